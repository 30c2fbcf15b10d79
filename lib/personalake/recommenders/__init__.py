"""What would they like? Candidate recommenders, the blend, full-ranking evaluation, fallbacks."""
