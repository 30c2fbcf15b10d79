"""A seeded customer base whose truth is known: what a retailer's systems would emit, and what is behind it."""
