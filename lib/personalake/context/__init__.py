"""What surrounds people: prices and stock over time, and the weather under which they come by."""
