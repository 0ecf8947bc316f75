"""Image files: formats, headers, geometry, masks, and the common grid."""
