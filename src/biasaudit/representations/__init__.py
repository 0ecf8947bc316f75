"""How an image becomes a network input: one file each; `representation` says what such a file owes."""
