"""Training of the token classifier that decides what to keep, with and without a question."""
