"""What a job is, where its result lies and who runs it; nothing here knows of images."""
