"""The objects of buckets: one client, of signed HTTP of our own (see docs/adr)."""

from valetkey.aws.objects.store import S3ObjectStore

__all__ = ["S3ObjectStore"]
