"""What stands around the catalogue: its data, and one module for each further thing it offers."""
