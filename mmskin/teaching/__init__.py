"""A text encoder taught a declaration: random histories, told in many ways, from whose notes every field is read."""
