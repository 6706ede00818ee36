from __future__ import annotations

import botocore.session
import pytest

from valetkey.aws.partitions import partition_of, region_within

HOMES = [
    ("aws", ("eu-central-1", "us-east-1"), "eu-central-1"),
    ("aws", ("", "us-west-2"), "us-west-2"),
    ("aws-cn", ("", "us-east-1"), "cn-north-1"),
    ("aws-cn", ("cn-northwest-1", "us-east-1"), "cn-northwest-1"),
    ("aws-us-gov", ("us-east-1", "us-east-1"), "us-gov-west-1"),
    ("aws", ("cn-north-1", "cn-north-1"), "us-east-1"),
]


@pytest.mark.parametrize(("partition", "wanted", "region"), HOMES)
def test_a_region_of_another_partition_is_never_used(
    partition: str, wanted: tuple[str, ...], region: str
) -> None:
    assert region_within(partition, *wanted) == region


def test_botocore_agrees_about_every_region() -> None:
    session = botocore.session.Session()
    for partition in session.get_available_partitions():
        for region in session.get_available_regions("s3", partition):
            assert partition_of(region) == partition
            assert region_within(partition, region) == region
