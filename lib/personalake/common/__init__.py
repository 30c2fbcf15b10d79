"""The small pure vocabulary that rooms share."""
