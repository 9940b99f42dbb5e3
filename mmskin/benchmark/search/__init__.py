"""Nested selection: of some arms the recipe is searched inside the training part of every fold."""
