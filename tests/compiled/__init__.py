"""Golden sources."""
