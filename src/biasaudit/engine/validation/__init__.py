"""Check a protocol and its files before anything is computed, for `biasaudit validate` and at the start of `run`."""
