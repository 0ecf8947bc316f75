"""Sections of the report, found by folder or by entry point; each is one file with its template beside it."""
