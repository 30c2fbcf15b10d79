"""What may we do? Consent per person and purpose; silence is a no."""
