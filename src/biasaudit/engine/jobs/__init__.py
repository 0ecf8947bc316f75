"""Define jobs, store their results and run them; nothing here knows of images."""
