"""Scope -> the smallest IAM session policy that grants it.

A session can do what the role *and* this policy allow. Sources: IAM user guide, "IAM JSON policy
elements: Variables and tags" (escaping), STS API reference, AssumeRole (2,048 characters).
"""

from __future__ import annotations

import json
from typing import Any, Final

from valetkey.domain.errors import TooLarge
from valetkey.domain.scope import AccessLevel, Scope

#: AssumeRole takes at most this many characters of inline session policy.
MAX_CHARACTERS: Final = 2048

#: S3 actions that each access level needs on the objects (list works on the bucket instead).
OBJECT_ACTIONS: Final = {
    AccessLevel.READ: ("s3:GetObject",),
    AccessLevel.WRITE: ("s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"),
    AccessLevel.DELETE: ("s3:DeleteObject",),
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


def list_condition(prefixes: tuple[str, ...]) -> dict[str, dict[str, list[str]]]:
    """Return the condition that confines ListBucket to the folders; empty for a whole bucket."""
    if prefixes == ("",):
        return {}
    patterns = [form for prefix in map(glob_escape, prefixes) for form in (prefix, f"{prefix}*")]
    return {"StringLike": {"s3:prefix": patterns}}


def render(scope: Scope, *, partition: str = "aws") -> str:
    """Render the session policy as compact JSON.

    Raises :class:`TooLarge` above AWS's 2,048 characters, saying how many prefixes fit.
    """
    policy = _render(scope, partition)
    if len(policy) > MAX_CHARACTERS:
        fitting = _how_many_fit(scope, partition)
        raise TooLarge(
            f"{len(scope.prefixes)} prefixes make a session policy of {len(policy)} characters, "
            f"and AWS takes {MAX_CHARACTERS}.",
            hint=f"Of these prefixes {fitting} fit: ask for several credentials, "
            "or for a folder that holds them all.",
            field="prefixes",
            fitting=fitting,
        )
    return policy


def _render(scope: Scope, partition: str) -> str:
    statements: list[dict[str, Any]] = []
    actions = [
        action
        for level, names in OBJECT_ACTIONS.items()
        if level in scope.levels
        for action in names
    ]
    if actions:
        arns = [object_arn(partition, scope.bucket, prefix) for prefix in scope.prefixes]
        statements.append({"Effect": "Allow", "Action": actions, "Resource": arns})
    if AccessLevel.LIST in scope.levels:
        listing: dict[str, Any] = {
            "Effect": "Allow",
            "Action": "s3:ListBucket",
            "Resource": bucket_arn(partition, scope.bucket),
        }
        condition = list_condition(scope.prefixes)
        statements.append(listing | ({"Condition": condition} if condition else {}))
    document = {"Version": "2012-10-17", "Statement": statements}
    # ASCII: AWS refuses characters above U+00FF in a policy, and takes their \uXXXX form.
    return json.dumps(document, separators=(",", ":"), ensure_ascii=True)


def _how_many_fit(scope: Scope, partition: str) -> int:
    count = len(scope.prefixes)
    while count:
        part = Scope(scope.bucket, scope.prefixes[:count], scope.levels)
        if len(_render(part, partition)) <= MAX_CHARACTERS:
            return count
        count -= 1
    return 0
