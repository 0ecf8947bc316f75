"""All that a plan follows from; nothing is planned here."""
