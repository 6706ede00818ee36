"""The exact fix: the JSON to paste and the command to run, for the names at hand."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass
from typing import Any, Final

from valetkey.domain.role_arn import RoleArn
from valetkey.domain.session_policy import bucket_arn, list_condition, object_arn
from valetkey.domain.setup.policies import MORE_ACTIONS, REFERENCE_ACTIONS, PolicyDocument

_VERSION: Final = "2012-10-17"
#: The names under which a fixed policy is put; they are those of ``valetkey setup aws``.
ASSUME_POLICY: Final = "valetkey-assume-role"
ACCESS_POLICY: Final = "valetkey-s3"


@dataclass(frozen=True, slots=True)
class Names:
    """What is known of a set-up. ``user_arn`` is empty until AWS has told it."""

    role: RoleArn
    user_arn: str = ""
    bucket: str = ""
    prefix: str = ""
    external_id: str = ""

    @property
    def partition(self) -> str:
        return self.role.partition

    @property
    def user(self) -> str:
        """The user's name, or a word in its place."""
        return self.user_arn.rpartition("/")[2] if ":user/" in self.user_arn else "USER"

    @property
    def principal(self) -> str:
        """Who must be trusted, or a word in its place."""
        return self.user_arn or f"arn:{self.partition}:iam::{self.role.account}:user/USER"


def assume_document(names: Names) -> PolicyDocument:
    """The user's inline policy, as the reference page has it."""
    statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": str(names.role)}
    return {"Version": _VERSION, "Statement": statement}


def trust_statement(names: Names) -> dict[str, Any]:
    """The statement that a trust policy needs, as the reference page has it."""
    statement: dict[str, Any] = {
        "Effect": "Allow",
        "Principal": {"AWS": names.principal},
        "Action": "sts:AssumeRole",
    }
    if names.external_id:
        statement["Condition"] = {"StringEquals": {"sts:ExternalId": names.external_id}}
    return statement


def trust_document(names: Names) -> PolicyDocument:
    """The role's trust policy, as the reference page has it."""
    return {"Version": _VERSION, "Statement": [trust_statement(names)]}


def access_document(names: Names) -> PolicyDocument:
    """The role's rights on the bucket, or its one folder: what the set-up gives."""
    listing: dict[str, Any] = {
        "Effect": "Allow",
        "Action": "s3:ListBucket",
        "Resource": bucket_arn(names.partition, names.bucket),
    }
    if condition := list_condition((names.prefix,)):
        listing["Condition"] = condition
    objects = {
        "Effect": "Allow",
        "Action": [*REFERENCE_ACTIONS, *MORE_ACTIONS],
        "Resource": object_arn(names.partition, names.bucket, names.prefix),
    }
    return {"Version": _VERSION, "Statement": [listing, objects]}


def pasted(document: PolicyDocument) -> str:
    """Render a document to be read and pasted. ASCII, as AWS wants it."""
    return json.dumps(document, indent=2, ensure_ascii=True)


def command(*words: str, document: PolicyDocument | None = None, option: str = "") -> str:
    """Render an ``aws`` command; ``document`` is given with ``option``."""
    parts = [shlex.quote(word) for word in ("aws", *words)]
    if document is not None:
        compact = json.dumps(document, separators=(",", ":"), ensure_ascii=True)
        parts += [option, shlex.quote(compact)]
    return " ".join(parts)


def paste_and_run(what: str, document: PolicyDocument, run: str) -> str:
    """Render a fix that can be done by hand or by a command."""
    return f"{what}\n{pasted(document)}\nOr run:\n{run}"


def list_keys(names: Names) -> str:
    """See which keys the user has."""
    user = ("--user-name", names.user)
    return (
        "Compare the key with those in IAM (the user's page, Security credentials); if it was just "
        "made, wait ten seconds and verify again. To see them:\n"
        f"{command('iam', 'list-access-keys', *user)}"
    )


def allow_assume(names: Names) -> str:
    """Give the user its inline policy."""
    document = assume_document(names)
    run = command(
        *("iam", "put-user-policy", "--user-name", names.user, "--policy-name", ASSUME_POLICY),
        document=document,
        option="--policy-document",
    )
    what = f"In IAM open the user {names.user}, Add permissions, Create inline policy, JSON:"
    return paste_and_run(what, document, run)


def trust_user(names: Names) -> str:
    """Save the trust policy."""
    document = trust_document(names)
    run = command(
        *("iam", "update-assume-role-policy", "--role-name", names.role.name),
        document=document,
        option="--policy-document",
    )
    what = f"In IAM open the role {names.role.name}, Trust relationships, Edit trust policy:"
    return paste_and_run(what, document, run)


def allow_access(names: Names) -> str:
    """Give the role its rights on the bucket."""
    document = access_document(names)
    run = command(
        *("iam", "put-role-policy", "--role-name", names.role.name),
        *("--policy-name", ACCESS_POLICY),
        document=document,
        option="--policy-document",
    )
    what = f"In IAM open the role {names.role.name}, Add permissions, Create inline policy, JSON:"
    return paste_and_run(what, document, run)


def block_public_access(names: Names) -> str:
    """Block public access."""
    run = command(
        *("s3api", "put-public-access-block", "--bucket", names.bucket),
        "--public-access-block-configuration",
        "BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,"
        "RestrictPublicBuckets=true",
    )
    return f"In S3 open the bucket, Permissions, Block all public access. Or run:\n{run}"


def allow_browsers(names: Names, origin: str) -> str:
    """Add a CORS rule."""
    rule = {
        "AllowedOrigins": [origin or "https://YOUR-VALETKEY-HOST"],
        "AllowedMethods": ["GET", "HEAD", "PUT"],
        "AllowedHeaders": ["*"],
        "ExposeHeaders": ["ETag"],
        "MaxAgeSeconds": 3600,
    }
    run = command(
        *("s3api", "put-bucket-cors", "--bucket", names.bucket),
        document={"CORSRules": [rule]},
        option="--cors-configuration",
    )
    what = "In S3 open the bucket, Permissions, Cross-origin resource sharing:"
    return f"{what}\n{json.dumps([rule], indent=2)}\nOr run:\n{run}"


def allow_key(names: Names, key_arn: str) -> str:
    """Let the role use the KMS key."""
    statement = {
        "Effect": "Allow",
        "Action": ["kms:GenerateDataKey", "kms:Decrypt"],
        "Resource": key_arn or "THE KEY'S ARN",
    }
    mine = pasted({"Version": _VERSION, "Statement": [statement]})
    theirs = pasted(
        statement | {"Sid": "Valetkey", "Principal": {"AWS": str(names.role)}, "Resource": "*"}
    )
    return (
        "Both must allow it. Give the role this inline policy:\n"
        f"{mine}\nand add this statement to the policy of the key (KMS, Key policy):\n{theirs}"
    )


def enable_key(names: Names, key_id: str) -> str:
    """Switch a key on again."""
    run = command(
        *("iam", "update-access-key", "--user-name", names.user),
        *("--access-key-id", key_id, "--status", "Active"),
    )
    return f"If nobody switched it off on purpose, run:\n{run}"


def remove_object(names: Names, key: str) -> str:
    """Delete what was left behind."""
    return f"Delete it:\n{command('s3', 'rm', f's3://{names.bucket}/{key}')}"
