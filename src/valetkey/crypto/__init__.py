"""Sealing, password hashing and tokens behind the domain's ports."""
