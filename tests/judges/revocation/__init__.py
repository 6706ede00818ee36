"""Revoking under load, over HTTP and with real S3 calls: ``python -m judges.revocation``."""
