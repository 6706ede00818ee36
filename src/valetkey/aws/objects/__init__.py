"""The objects of a bucket at speed: signed HTTP of our own, for listings of millions of keys and
bytes that stream. Calls that are few go through botocore (``valetkey.aws.s3``)."""

from valetkey.aws.objects.data import S3ObjectData

__all__ = ["S3ObjectData"]
