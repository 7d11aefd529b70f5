"""What changes the frozen scores and what belongs to them."""
