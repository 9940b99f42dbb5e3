"""The grid of arms × folds × seeds: one command that compares every way of reading a case on the same patients."""
