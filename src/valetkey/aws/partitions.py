"""Which AWS a role lives in: the partition of its ARN decides which STS knows it.

A key of one partition is unknown to the others, so that a region of another one can't be meant.
Source: botocore's ``partitions.json``.
"""

from __future__ import annotations

from typing import Final

_HOMES: Final = {
    "aws": "us-east-1",
    "aws-cn": "cn-north-1",
    "aws-us-gov": "us-gov-west-1",
    "aws-iso": "us-iso-east-1",
    "aws-iso-b": "us-isob-east-1",
    "aws-iso-e": "eu-isoe-west-1",
    "aws-iso-f": "us-isof-south-1",
    "aws-eusc": "eusc-de-east-1",
}
_STARTS: Final = {
    "cn-": "aws-cn",
    "us-gov-": "aws-us-gov",
    "us-iso-": "aws-iso",
    "us-isob-": "aws-iso-b",
    "eu-isoe-": "aws-iso-e",
    "us-isof-": "aws-iso-f",
    "eusc-": "aws-eusc",
}


def partition_of(region: str) -> str:
    """Return the partition that a region belongs to."""
    found = (name for start, name in _STARTS.items() if region.startswith(start))
    return next(found, "aws")


def region_within(partition: str, *wanted: str) -> str:
    """Return the first wanted region that lies in a partition, else the partition's first one."""
    fitting = (region for region in wanted if region and partition_of(region) == partition)
    return next(fitting, _HOMES.get(partition, _HOMES["aws"]))
