"""The files and columns of a finished run, and how they are read."""
