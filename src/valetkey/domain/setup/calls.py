"""A call to AWS as data: what a plan consists of, what a script is written from, what runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

#: S3 operations whose IAM action has another name (service authorization reference, Amazon S3).
_ACTION_NAMES: Final = {
    "HeadBucket": "ListBucket",
    "ListBuckets": "ListAllMyBuckets",
    "ListObjectVersions": "ListBucketVersions",
    "GetPublicAccessBlock": "GetBucketPublicAccessBlock",
    "PutPublicAccessBlock": "PutBucketPublicAccessBlock",
    "DeleteBucketTagging": "PutBucketTagging",
    "DeleteObjects": "DeleteObject",
    "GetBucketLifecycleConfiguration": "GetLifecycleConfiguration",
    "PutBucketLifecycleConfiguration": "PutLifecycleConfiguration",
    "DeleteBucketLifecycle": "PutLifecycleConfiguration",
}


@dataclass(frozen=True, slots=True)
class AwsCall:
    """One operation of one service, in botocore's names (``iam``, ``CreateUser``).

    ``region`` matters for S3 alone; policy documents are JSON text in ``parameters``.
    """

    service: str
    operation: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    region: str = ""

    @property
    def action(self) -> str:
        """The IAM action that the caller needs, such as ``iam:CreateUser``."""
        return f"{self.service}:{_ACTION_NAMES.get(self.operation, self.operation)}"

    @property
    def repeatable(self) -> bool:
        """Tell whether a call whose answer was lost may simply be sent again. Making an access
        key twice makes two keys; everything else either says that the thing is there already, or
        puts the same thing again."""
        return self.operation != "CreateAccessKey"


def iam(operation: str, **parameters: Any) -> AwsCall:
    """Return a call to IAM."""
    return AwsCall("iam", operation, parameters)


def s3(operation: str, region: str, **parameters: Any) -> AwsCall:
    """Return a call to S3 in a region."""
    return AwsCall("s3", operation, parameters, region)
