"""The catalog's tables and repositories."""
