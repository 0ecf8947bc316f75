"""What is in the files: formats, headers, geometry, masks."""
