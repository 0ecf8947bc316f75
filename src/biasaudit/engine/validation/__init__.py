"""What `biasaudit validate` does, and `run` does first: read, look, divide, refuse."""
