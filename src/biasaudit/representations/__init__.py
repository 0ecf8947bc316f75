"""Turn an image into a network input, one file per way; `representation` defines what such a file must offer."""
