"""One behaviour suite, run over every transport. A package, so that its modules import each other."""
