"""The plan as a CloudFormation template (JSON)."""

from __future__ import annotations

import json
from typing import Any, Final

from valetkey.domain.setup import policies
from valetkey.domain.setup.export.placeholders import fill, has_places, only_place, opened
from valetkey.domain.setup.spec import ADOPTED, Desired, SetupSpec
from valetkey.domain.setup.steps import tag_list
from valetkey.domain.setup.storage_steps import PUBLIC_ACCESS_BLOCK

_PARAMETERS: Final = {
    "bucket": "BucketName",
    "user": "UserName",
    "role": "RoleName",
    "policy": "PolicyName",
}
_REFERENCES: Final = _PARAMETERS | {"account": "AWS::AccountId", "partition": "AWS::Partition"}
_PATTERNS: Final = {
    "bucket": r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$",
    "user": r"^[\w+=,.@-]{1,64}$",
    "role": r"^[\w+=,.@-]{1,64}$",
    "policy": r"^[\w+=,.@-]{1,128}$",
}


def cloudformation(spec: SetupSpec) -> str:
    """Render the template. The access key is not in it: CloudFormation would show its secret in
    the stack's outputs. ``valetkey setup aws apply --adopt`` makes it, on what the stack has made.
    The tags say that Valetkey did not make the objects, so ``destroy`` leaves them to the stack
    (a managed policy takes no tags from CloudFormation, hence ``--adopt``)."""
    template = {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": (
            f"Valetkey set-up {spec.name}: bucket, policy, user, role. Afterwards run "
            "'valetkey setup aws apply --adopt' with the same names: it makes the access key and "
            "registers it."
        ),
        "Parameters": {
            parameter: {
                "Type": "String",
                "Default": getattr(spec, field),
                "AllowedPattern": _PATTERNS[field],
            }
            for field, parameter in _PARAMETERS.items()
        },
        "Resources": _written(_resources(opened(spec))),
        "Outputs": {
            "RoleArn": {
                "Description": "The role ARN of the integration",
                "Value": {"Fn::GetAtt": ["Role", "Arn"]},
            },
            "UserName": {
                "Description": "The user whose access key the integration holds",
                "Value": {"Ref": "User"},
            },
            "BucketName": {"Description": "The bucket", "Value": {"Ref": "Bucket"}},
        },
    }
    return json.dumps(template, indent=2) + "\n"


def _resources(desired: Desired) -> dict[str, Any]:
    tags = tag_list(desired.tags(ADOPTED))
    role: dict[str, Any] = {
        "RoleName": desired.role,
        "AssumeRolePolicyDocument": policies.trust(desired),
        "ManagedPolicyArns": [{"Ref": "AccessPolicy"}],
        "Tags": tags,
    }
    if desired.revocation:
        role["PermissionsBoundary"] = {"Ref": "AccessPolicy"}
    resources: dict[str, Any] = {
        "Bucket": {
            "Type": "AWS::S3::Bucket",
            # Deleting a stack must not delete data.
            "DeletionPolicy": "Retain",
            "UpdateReplacePolicy": "Retain",
            "Properties": {
                "BucketName": desired.bucket,
                "PublicAccessBlockConfiguration": PUBLIC_ACCESS_BLOCK,
                "Tags": tags,
                **_lifecycle(desired),
            },
        },
        "AccessPolicy": {
            "Type": "AWS::IAM::ManagedPolicy",
            "Properties": {
                "ManagedPolicyName": desired.policy,
                "PolicyDocument": policies.bucket_access(desired),
            },
        },
        "User": {
            "Type": "AWS::IAM::User",
            "Properties": {"UserName": desired.user, "Tags": tags},
        },
        # IAM refuses a trust policy that names a user who is not there yet.
        "Role": {"Type": "AWS::IAM::Role", "DependsOn": "User", "Properties": role},
    }
    for name, document in policies.user_policies(desired).items():
        words = name.removeprefix(f"{desired.name}-").split("-")
        resources["User" + "".join(word.capitalize() for word in words)] = {
            "Type": "AWS::IAM::UserPolicy",
            "DependsOn": "Role",
            "Properties": {
                "PolicyName": name,
                "UserName": {"Ref": "User"},
                "PolicyDocument": document,
            },
        }
    return resources


def _lifecycle(desired: Desired) -> dict[str, Any]:
    if not desired.end_uploads_after_days:
        return {}
    rule = policies.uploads_rule(desired)
    ours = {
        "Id": rule["ID"],
        "Status": rule["Status"],
        **({"Prefix": desired.folder} if desired.folder else {}),
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": desired.end_uploads_after_days},
    }
    return {"LifecycleConfiguration": {"Rules": [ours]}}


def _written(value: Any) -> Any:
    """Put CloudFormation's functions in the open places."""
    if isinstance(value, dict):
        return {name: _written(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_written(inner) for inner in value]
    if not isinstance(value, str) or not has_places(value):
        return value
    if place := only_place(value):
        return {"Ref": _REFERENCES[place]}
    sub = fill(
        value,
        lambda place: f"${{{_REFERENCES[place]}}}",
        lambda text: text.replace("${", "${!"),
    )
    return {"Fn::Sub": sub}
