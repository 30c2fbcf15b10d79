"""What is said about a person, in each destination's words."""
