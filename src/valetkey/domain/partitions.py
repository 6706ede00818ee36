"""Where the services of each AWS are: host names end differently in each partition.

Source: botocore's ``endpoints.json`` (``dnsSuffix``).
"""

from __future__ import annotations

from typing import Final

_SUFFIXES: Final = {
    "aws-cn": "amazonaws.com.cn",
    "aws-iso": "c2s.ic.gov",
    "aws-iso-b": "sc2s.sgov.gov",
    "aws-iso-e": "cloud.adc-e.uk",
    "aws-iso-f": "csp.hci.ic.gov",
    "aws-eusc": "amazonaws.eu",
}


def dns_suffix(partition: str) -> str:
    """Return what a partition's host names end in."""
    return _SUFFIXES.get(partition, "amazonaws.com")
