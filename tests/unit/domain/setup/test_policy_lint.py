"""Every policy document passes a linter: cfn-lint knows IAM's grammar and AWS's actions.

(parliament, which is made for this, needs a library that Python no longer comes with.)
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from support.setup_states import ACCOUNT, make_desired
from valetkey.domain.diagnosis import Names, fixes
from valetkey.domain.role_arn import RoleArn
from valetkey.domain.scope import AccessLevel, Scope
from valetkey.domain.session_policy import render
from valetkey.domain.setup import SetupSpec, policies

NASTY = 'a b/$x/${y}/*/it\'s "q"/é日/'
PLAIN = make_desired()
FOLDER = SetupSpec("valetkey", "acme-data", "eu-central-1", folder=NASTY, revocation=True).resolve(
    account=ACCOUNT, partition="aws"
)
NAMES = Names(
    RoleArn.parse(FOLDER.role_arn), FOLDER.user_arn, FOLDER.bucket, FOLDER.folder, "org-1"
)
KEY = "arn:aws:kms:eu-central-1:000000000000:key/11111111-2222-3333-4444-555555555555"
SCOPE = Scope("acme-data", (NASTY, "b/"), frozenset(AccessLevel), bare=True, versions=True)

IDENTITY: dict[str, Mapping[str, Any]] = {
    "access": policies.bucket_access(PLAIN),
    "access to a folder": policies.bucket_access(FOLDER),
    **policies.user_policies(FOLDER),
    "session": json.loads(render(SCOPE, kms_key_arn=KEY)),
    "fixed access": fixes.access_document(NAMES),
    "fixed assume": fixes.assume_document(NAMES),
}
TRUST: dict[str, Mapping[str, Any]] = {
    "trust": policies.trust(PLAIN),
    "nobody": policies.NOBODY,
    "fixed trust": fixes.trust_document(NAMES),
}


WRONG: dict[str, dict[str, Any]] = {
    "no such action": {"Effect": "Allow", "Action": "s3:GetObjekt", "Resource": "*"},
    "no such effect": {"Effect": "Alow", "Action": "s3:GetObject", "Resource": "*"},
    "no resource": {"Effect": "Allow", "Action": "s3:GetObject"},
    "a principal": {"Effect": "Allow", "Action": "s3:*", "Resource": "*", "Principal": "*"},
    "no such operator": {
        "Effect": "Allow",
        "Action": "s3:*",
        "Resource": "*",
        "Condition": {"Like": {"s3:prefix": "a"}},
    },
}


def identity(document: Mapping[str, Any]) -> dict[str, Any]:
    # A literal ${ would look like a forgotten Fn::Sub to a linter of templates.
    text = json.dumps(document).replace("${", "")
    properties = {"PolicyDocument": json.loads(text)}
    return {"Type": "AWS::IAM::ManagedPolicy", "Properties": properties}


def trust(document: Mapping[str, Any]) -> dict[str, Any]:
    return {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": document}}


def complaints(resources: dict[str, dict[str, Any]]) -> dict[str, str]:
    """What the linter says, by the document's name; all at once, since it is slow to start. Its
    informational rules (I...) are suggestions."""
    from cfnlint.api import lint_all  # noqa: PLC0415  # half a second of every process of the tests

    names = {f"It{number}": name for number, name in enumerate(resources)}
    template = {"Resources": dict(zip(names, resources.values(), strict=True))}
    found = [match for match in lint_all(json.dumps(template)) if match.rule.id[0] != "I"]
    return {names[str(match.path[1])]: str(match) for match in found}


@pytest.mark.slow
def test_what_users_roles_and_sessions_are_given_and_whom_roles_trust() -> None:
    resources = {name: identity(document) for name, document in IDENTITY.items()}
    resources |= {name: trust(document) for name, document in TRUST.items()}
    assert complaints(resources) == {}


@pytest.mark.slow
def test_the_linter_finds_what_is_wrong() -> None:
    def alone(statement: dict[str, Any]) -> dict[str, Any]:
        return {"Version": "2012-10-17", "Statement": [statement]}

    resources = {name: identity(alone(statement)) for name, statement in WRONG.items()}
    itself = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"}
    resources["trust in a resource"] = trust(alone(itself))
    assert set(complaints(resources)) == set(resources)
