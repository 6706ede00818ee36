"""The plan as Terraform / OpenTofu JSON (``*.tf.json``)."""

from __future__ import annotations

import json
from typing import Any, Final

from valetkey.domain.setup import policies
from valetkey.domain.setup.export.placeholders import fill, opened
from valetkey.domain.setup.spec import ADOPTED, Desired, SetupSpec

_NAME: Final = "valetkey"
_VARIABLES: Final = {
    "bucket": "bucket_name",
    "user": "user_name",
    "role": "role_name",
    "policy": "policy_name",
}
_EXPRESSIONS: Final = {field: f"var.{name}" for field, name in _VARIABLES.items()} | {
    "account": "data.aws_caller_identity.current.account_id",
    "partition": "data.aws_partition.current.partition",
}


def terraform(spec: SetupSpec) -> str:
    """Render the configuration. The access key is not in it: its secret would lie in Terraform's
    state. ``valetkey setup aws apply`` makes it, on what Terraform has made. The tags say that
    Valetkey did not make the objects, so ``destroy`` leaves them to Terraform."""
    desired = opened(spec)
    configuration = {
        "terraform": {"required_providers": {"aws": {"source": "hashicorp/aws"}}},
        "provider": {"aws": {"region": spec.region}},
        "variable": {
            variable: {"type": "string", "default": getattr(spec, field)}
            for field, variable in _VARIABLES.items()
        },
        "data": {"aws_caller_identity": {"current": {}}, "aws_partition": {"current": {}}},
        "resource": _written(_resources(desired)),
        "output": {
            "role_arn": {"value": f"${{aws_iam_role.{_NAME}.arn}}"},
            "user_name": {"value": f"${{aws_iam_user.{_NAME}.name}}"},
            "bucket": {"value": f"${{aws_s3_bucket.{_NAME}.bucket}}"},
        },
    }
    return json.dumps(configuration, indent=2) + "\n"


class _Json(str):
    """Text that is JSON: a policy document."""

    __slots__ = ()


def _document(document: policies.PolicyDocument) -> _Json:
    return _Json(policies.to_json(document))


class _Expression(str):
    """Text that is a Terraform expression already."""

    __slots__ = ()


def _of(resource: str, attribute: str) -> _Expression:
    return _Expression(f"${{{resource}.{_NAME}.{attribute}}}")


def _resources(desired: Desired) -> dict[str, Any]:
    tags = desired.tags(ADOPTED)
    role: dict[str, Any] = {
        "name": desired.role,
        "assume_role_policy": _document(policies.trust(desired)),
        # IAM refuses a trust policy that names a user who is not there yet.
        "depends_on": [f"aws_iam_user.{_NAME}"],
        "tags": tags,
    }
    if desired.revocation:
        role["permissions_boundary"] = _of("aws_iam_policy", "arn")
    return {
        "aws_s3_bucket": {_NAME: {"bucket": desired.bucket, "tags": tags}},
        "aws_s3_bucket_public_access_block": {
            _NAME: {
                "bucket": _of("aws_s3_bucket", "id"),
                "block_public_acls": True,
                "ignore_public_acls": True,
                "block_public_policy": True,
                "restrict_public_buckets": True,
            }
        },
        **_lifecycle(desired),
        "aws_iam_policy": {
            _NAME: {
                "name": desired.policy,
                "policy": _document(policies.bucket_access(desired)),
                "tags": tags,
            }
        },
        "aws_iam_user": {_NAME: {"name": desired.user, "tags": tags}},
        "aws_iam_role": {_NAME: role},
        "aws_iam_role_policy_attachment": {
            _NAME: {
                "role": _of("aws_iam_role", "name"),
                "policy_arn": _of("aws_iam_policy", "arn"),
            }
        },
        "aws_iam_user_policy": {
            name.removeprefix(f"{desired.name}-").replace("-", "_"): {
                "name": name,
                "user": _of("aws_iam_user", "name"),
                "policy": _document(document),
            }
            for name, document in policies.user_policies(desired).items()
        },
    }


def _lifecycle(desired: Desired) -> dict[str, Any]:
    if not desired.end_uploads_after_days:
        return {}
    rule = {
        "id": desired.uploads_rule,
        "status": "Enabled",
        "filter": {"prefix": desired.folder},
        "abort_incomplete_multipart_upload": {
            "days_after_initiation": desired.end_uploads_after_days
        },
    }
    bucket = _of("aws_s3_bucket", "id")
    return {"aws_s3_bucket_lifecycle_configuration": {_NAME: {"bucket": bucket, "rule": [rule]}}}


def _written(value: Any) -> Any:
    """Put Terraform's expressions in the open places, and make the rest literal."""
    if isinstance(value, dict):
        return {name: _written(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_written(inner) for inner in value]
    if isinstance(value, _Expression) or not isinstance(value, str):
        return value
    return fill(
        value,
        lambda place: f"${{{_EXPRESSIONS[place]}}}",
        lambda text: text.replace("${", "$${").replace("%{", "%%{"),
        is_json=isinstance(value, _Json),
    )
