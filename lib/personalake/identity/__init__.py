"""Who is it? Identifiers, and the persons they belong to."""
