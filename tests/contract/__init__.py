"""One behaviour suite, run over every transport."""
