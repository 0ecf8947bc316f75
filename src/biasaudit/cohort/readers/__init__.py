"""Who is in the audit: one file per reader, and what readers share."""
