"""The policy documents of a set-up, as the reference page has them, and when two are the same."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from valetkey.domain.session_policy import bucket_arn, list_condition, object_arn
from valetkey.domain.setup.spec import Desired

PolicyDocument = Mapping[str, Any]

VERSION: Final = "2012-10-17"

#: What a user needs to replace its own access keys (IAM user guide, "Allow users to manage ...").
ROTATION_ACTIONS: Final = (
    "iam:CreateAccessKey",
    "iam:DeleteAccessKey",
    "iam:UpdateAccessKey",
    "iam:ListAccessKeys",
    "iam:GetAccessKeyLastUsed",
    "iam:GetUser",
)
#: What calling back sessions needs: a deny in an inline policy of the role.
REVOCATION_ACTIONS: Final = ("iam:GetRolePolicy", "iam:PutRolePolicy", "iam:DeleteRolePolicy")

#: The reference page's actions on objects, and what Valetkey uses besides: uploads in parts that
#: are ended when they are cut, and old versions.
REFERENCE_ACTIONS: Final = ("s3:GetObject", "s3:PutObject", "s3:DeleteObject")
MORE_ACTIONS: Final = (
    "s3:AbortMultipartUpload",
    "s3:ListMultipartUploadParts",
    "s3:GetObjectVersion",
    "s3:DeleteObjectVersion",
)

#: The trust policy of a role that nobody may assume yet. AWS wants one at creation; the reference
#: page lets EC2 in there, and replaces it at the end. This one keeps the role shut until then.
NOBODY: Final[PolicyDocument] = {
    "Version": VERSION,
    "Statement": [{"Effect": "Deny", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}],
}


def bucket_access(desired: Desired) -> PolicyDocument:
    """The role's rights: list, read, write and delete in the bucket or its one folder."""
    listing: dict[str, Any] = {
        "Effect": "Allow",
        "Action": "s3:ListBucket",
        "Resource": bucket_arn(desired.partition, desired.bucket),
    }
    condition = list_condition((desired.folder,))
    more = () if desired.strict_reference else MORE_ACTIONS
    objects = {
        "Effect": "Allow",
        "Action": [*REFERENCE_ACTIONS, *more],
        "Resource": object_arn(desired.partition, desired.bucket, desired.folder),
    }
    return {
        "Version": VERSION,
        "Statement": [listing | ({"Condition": condition} if condition else {}), objects],
    }


def uploads_rule(desired: Desired) -> PolicyDocument:
    """The bucket's lifecycle rule that cleans up uploads in parts that nobody ended."""
    return {
        "ID": desired.uploads_rule,
        "Status": "Enabled",
        "Filter": {"Prefix": desired.folder},
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": desired.end_uploads_after_days},
    }


def assume_role(desired: Desired) -> PolicyDocument:
    """The user's one right at work: to assume the role. The reference page's JSON."""
    statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": desired.role_arn}
    return {"Version": VERSION, "Statement": statement}


def self_rotation(desired: Desired) -> PolicyDocument:
    """The user's right to replace its own access keys, and nobody else's."""
    return _allow(ROTATION_ACTIONS, desired.user_arn)


def revocation(desired: Desired) -> PolicyDocument:
    """The user's right to deny sessions of the role. IAM can't confine it to one policy's name,
    so the role has a permissions boundary beside it."""
    return _allow(REVOCATION_ACTIONS, desired.role_arn)


def trust(desired: Desired) -> PolicyDocument:
    """Who may assume the role: the user alone. The reference page's JSON."""
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": desired.user_arn},
        "Action": "sts:AssumeRole",
    }
    return {"Version": VERSION, "Statement": [statement]}


def user_policies(desired: Desired) -> dict[str, PolicyDocument]:
    """Return the user's inline policies by name, in the order in which they are put."""
    documents = {desired.assume_policy: assume_role(desired)}
    if desired.self_rotation:
        documents[desired.rotation_policy] = self_rotation(desired)
    if desired.revocation:
        documents[desired.revocation_policy] = revocation(desired)
    return documents


def _allow(actions: tuple[str, ...], resource: str) -> PolicyDocument:
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": resource}
    return {"Version": VERSION, "Statement": [statement]}


def to_json(document: PolicyDocument) -> str:
    """Render a document for a call. ASCII: AWS refuses characters above U+00FF in a policy."""
    return json.dumps(document, separators=(",", ":"), ensure_ascii=True)


def same(one: PolicyDocument, other: PolicyDocument) -> bool:
    """Tell whether two documents grant the same: a list of one and the thing alone are equal, the
    order of statements, actions and resources is of no account, and neither is a Sid."""
    return bool(_normal(one) == _normal(other))


def _normal(document: PolicyDocument) -> Any:
    statements = [_statement(part) for part in _listed(document.get("Statement"))]
    return document.get("Version"), sorted(statements, key=repr)


def _statement(statement: Mapping[str, Any]) -> Any:
    return sorted(
        (name, _values(value, lower=name == "Action"))
        for name, value in statement.items()
        if name != "Sid"
    )


def _values(value: Any, *, lower: bool = False) -> Any:
    if isinstance(value, Mapping):
        return sorted((name, _values(inner)) for name, inner in value.items())
    return sorted(str(item).lower() if lower else str(item) for item in _listed(value))


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
