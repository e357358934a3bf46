"""What hostile clients send: a corpus, and what this server answers."""
