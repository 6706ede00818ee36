"""Dataloop's API: a translation onto the same services. Its contract is the vendor's own SDK."""
