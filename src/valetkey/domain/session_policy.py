"""Scope -> the smallest IAM session policy that grants it.

A session can do what the role *and* this policy allow. Sources: IAM user guide, "IAM JSON policy
elements: Variables and tags" (escaping), STS API reference, AssumeRole (2,048 characters).
"""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from valetkey.counting import counted
from valetkey.domain.errors import TooLarge
from valetkey.domain.partitions import dns_suffix
from valetkey.domain.scope import AccessLevel, Extra, Scope

#: AssumeRole takes at most this many characters of inline session policy.
MAX_CHARACTERS: Final = 2048

#: S3 actions that each access level needs on the objects (list works on the bucket instead).
OBJECT_ACTIONS: Final = {
    AccessLevel.READ: ("s3:GetObject",),
    AccessLevel.WRITE: ("s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"),
    AccessLevel.DELETE: ("s3:DeleteObject",),
}
#: What old versions need besides.
VERSION_ACTIONS: Final = {
    AccessLevel.READ: ("s3:GetObjectVersion",),
    AccessLevel.DELETE: ("s3:DeleteObjectVersion",),
}
#: What restoring archived objects, and carrying tags along with a copy, need besides.
EXTRA_ACTIONS: Final = {
    Extra.RESTORE: {AccessLevel.WRITE: ("s3:RestoreObject",)},
    Extra.TAGS: {
        AccessLevel.READ: ("s3:GetObjectTagging",),
        AccessLevel.WRITE: ("s3:PutObjectTagging",),
    },
}
#: What SSE-KMS needs besides; completing a multipart upload decrypts its parts.
KMS_ACTIONS: Final = {
    AccessLevel.READ: ("kms:Decrypt",),
    AccessLevel.WRITE: ("kms:GenerateDataKey", "kms:Decrypt"),
}


def glob_escape(text: str) -> str:
    """Make ``text`` literal inside an IAM resource or a StringLike condition."""
    return text.replace("$", "${$}").replace("*", "${*}").replace("?", "${?}")


def bucket_arn(partition: str, bucket: str) -> str:
    """Return the ARN of a bucket."""
    return f"arn:{partition}:s3:::{bucket}"


def object_arn(partition: str, bucket: str, folder: str) -> str:
    """Return the ARN pattern of all objects in a folder, the folder's own letters literal."""
    return f"{bucket_arn(partition, bucket)}/{glob_escape(folder)}*"


def list_condition(
    prefixes: tuple[str, ...], *, bare: bool = False
) -> dict[str, dict[str, list[str]]]:
    """Return the condition that confines ListBucket to the folders; empty for a whole bucket.

    With ``bare``, a folder may be asked for without its ``/`` too (exactly so, nothing below).
    """
    if prefixes == ("",):
        return {}
    patterns = []
    for prefix in map(glob_escape, prefixes):
        patterns += [prefix[:-1]] if bare else []
        patterns += [prefix, f"{prefix}*"]
    return {"StringLike": {"s3:prefix": patterns}}


def render(scope: Scope, *, partition: str = "aws", kms_key_arn: str = "") -> str:
    """Render the session policy as compact JSON. ``kms_key_arn`` is the key of the bucket's
    SSE-KMS, if it has one.

    Raises :class:`TooLarge` above AWS's 2,048 characters, saying how many prefixes fit.
    """
    policy = _render(scope, partition, kms_key_arn)
    if len(policy) > MAX_CHARACTERS:
        fitting = _how_many_fit(scope, partition, kms_key_arn)
        raise TooLarge(
            f"The session policy of {counted(len(scope.prefixes), 'prefix')} has "
            f"{counted(len(policy), 'character')}, and AWS takes {MAX_CHARACTERS}.",
            hint=f"Of these prefixes {fitting} fit: ask for several credentials, "
            "or for a folder that holds them all.",
            field="prefixes",
            fitting=fitting,
        )
    return policy


def split(scope: Scope, *, partition: str = "aws", kms_key_arn: str = "") -> list[Scope]:
    """Return scopes that together have a scope's prefixes, in order, each with a policy that AWS
    takes. Raises :class:`TooLarge` where a single prefix is too long."""
    parts, rest = [], scope.prefixes
    while rest:
        left = replace(scope, prefixes=rest)
        fitting = _how_many_fit(left, partition, kms_key_arn)
        if not fitting:
            render(replace(scope, prefixes=rest[:1]), partition=partition, kms_key_arn=kms_key_arn)
        parts.append(replace(scope, prefixes=rest[:fitting]))
        rest = rest[fitting:]
    return parts


def _render(scope: Scope, partition: str, kms_key_arn: str) -> str:
    statements: list[dict[str, Any]] = []
    actions = _actions(scope, OBJECT_ACTIONS)
    if scope.versions:
        actions += _actions(scope, VERSION_ACTIONS)
    for extra in sorted(scope.extras):
        actions += _actions(scope, EXTRA_ACTIONS[extra])
    arns = [object_arn(partition, scope.bucket, prefix) for prefix in scope.prefixes]
    if actions:
        statements.append({"Effect": "Allow", "Action": actions, "Resource": arns})
    if AccessLevel.LIST in scope.levels:
        listing: dict[str, Any] = {
            "Effect": "Allow",
            "Action": "s3:ListBucket",
            "Resource": bucket_arn(partition, scope.bucket),
        }
        condition = list_condition(scope.prefixes, bare=scope.bare)
        statements.append(listing | ({"Condition": condition} if condition else {}))
    if kms_key_arn and (kms := _actions(scope, KMS_ACTIONS)):
        statements.append(_kms_statement(scope, partition, kms_key_arn, kms, arns))
    document = {"Version": "2012-10-17", "Statement": statements}
    # ASCII: AWS refuses characters above U+00FF in a policy, and takes their \uXXXX form.
    return json.dumps(document, separators=(",", ":"), ensure_ascii=True)


def _actions(scope: Scope, table: Mapping[AccessLevel, tuple[str, ...]]) -> list[str]:
    wanted = (name for level in table if level in scope.levels for name in table[level])
    return list(dict.fromkeys(wanted))


def _kms_statement(
    scope: Scope, partition: str, key_arn: str, actions: list[str], objects: list[str]
) -> dict[str, Any]:
    """Allow the key for these objects only, and only through S3.

    S3 gives the object's ARN as encryption context, or, with Bucket Keys, the bucket's (S3 user
    guide, "Protecting data with SSE-KMS").
    """
    region = key_arn.split(":")[3]
    context = [bucket_arn(partition, scope.bucket), *objects]
    return {
        "Effect": "Allow",
        "Action": actions,
        "Resource": key_arn,
        "Condition": {
            "StringEquals": {"kms:ViaService": f"s3.{region}.{dns_suffix(partition)}"},
            "StringLike": {"kms:EncryptionContext:aws:s3:arn": context},
        },
    }


def _how_many_fit(scope: Scope, partition: str, kms_key_arn: str) -> int:
    """Return the largest number of the prefixes, first ones first, that make a fitting policy."""

    def is_too_large(count: int) -> bool:
        part = replace(scope, prefixes=scope.prefixes[:count])
        return len(_render(part, partition, kms_key_arn)) > MAX_CHARACTERS

    return bisect_left(range(1, len(scope.prefixes) + 1), True, key=is_too_large)
