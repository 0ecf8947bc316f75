"""Network architectures: one file each, and how they are found."""
