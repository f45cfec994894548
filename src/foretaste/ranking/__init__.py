"""From scores to a list: nearest vectors, and reasons that are true."""
