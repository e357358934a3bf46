"""What a person sees: the pages of a running server in a real browser."""
