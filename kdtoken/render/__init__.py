"""Model and findings -> text.  Nothing here prints."""
