"""How an image becomes a network input: one file each."""
