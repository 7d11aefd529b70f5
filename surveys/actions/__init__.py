"""What changes surveys: keyword-only, atomic, by whom."""
