"""A model and patients it has never met: what it is worth on them, whom of them it knows, and how they differ."""
