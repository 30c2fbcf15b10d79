"""Audiences kept in step: who is wanted at a destination, what it is known to hold, and the difference as a plan."""
