"""Expectations as Column predicates, and what happens to rows that break them."""
