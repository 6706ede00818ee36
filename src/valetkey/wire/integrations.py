"""Integrations: the trust with an account at AWS or with a store. A secret comes in and never goes
out."""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec

from valetkey.wire.base import (
    ID,
    Body,
    Change,
    Created,
    Id,
    MadeBy,
    Moment,
    Name,
    OrgId,
    Page,
    Paging,
    Query,
    Shape,
    Updated,
    Version,
    WhichOrg,
    moment_meta,
    says,
)
from valetkey.wire.leases import Ending, LiveLeases, LiveUntil
from valetkey.wire.operation import NDJSON, Operation
from valetkey.wire.reports import Report, ReportLine

IntegrationType = Literal["aws-sts", "aws-cross", "s3", "key_value"]
IntegrationState = Literal["created", "verified", "failing", "disabled"]
_KEY: Final = "AKIAIOSFODNN7EXAMPLE"
_ROLE: Final = "arn:aws:iam::123456789012:role/valetkey-role"
Type = Annotated[
    IntegrationType,
    says(
        "`aws-sts`: an IAM user's key assumes a role. `aws-cross`: the server's own identity "
        "assumes a role that asks for an external id. `s3`: a key of an S3-compatible store. "
        "`key_value`: a named secret.",
        "aws-sts",
    ),
]


class Integration(Shape, frozen=True):
    """The trust with an account at AWS or with a store: everything but its secret."""

    id: Id
    org_id: OrgId
    name: Name
    type: Type
    state: Annotated[
        IntegrationState,
        says(
            "`created`: not verified yet. `verified`: it worked when it was last tried. "
            "`failing`: it did not. `disabled`: switched off, and gives no credentials.",
            "verified",
        ),
    ]
    creator: MadeBy
    created_at: Created
    updated_at: Updated
    version: Version
    state_reason: Annotated[
        str | None,
        says("Why it is in this state, where there is something to say.", "The role is missing."),
    ] = None
    verified_at: Annotated[Moment | None, moment_meta("When it last proved to work.")] = None
    access_key_id: Annotated[
        str | None, says("The id of the key (of `key_value`: the secret's name).", _KEY)
    ] = None
    role_arn: Annotated[str | None, says("The role that is assumed.", _ROLE)] = None
    external_id: Annotated[
        str | None,
        says("What the trust policy of an `aws-cross` role must ask for.", f"valetkey-{ID}"),
    ] = None
    endpoint: Annotated[
        str | None, says("The address of an S3-compatible store.", "https://s3.example.com")
    ] = None
    provider: Annotated[str | None, says("Whose secret a `key_value` is.", "labelbox")] = None
    ref: Annotated[str | None, says("What a `key_value` is known as there.", "prod")] = None
    report: Annotated[
        Report | None, says("The report of the verification that this request made.")
    ] = None
    live_leases: LiveLeases = None
    live_until: LiveUntil = None


class NewIntegration(Body, frozen=True):
    """An integration to be. Which of the parts it needs depends on its type."""

    name: Name
    type: Type = "aws-sts"
    org_id: WhichOrg = None
    access_key_id: Annotated[
        str | None, says("The key's id (`aws-sts`, `s3`), or the name of a `key_value`.", _KEY)
    ] = None
    secret_access_key: Annotated[
        str | None,
        says(
            "The key's secret, or a `key_value`'s value. It is sealed, and never shown.",
            "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        ),
    ] = None
    role_arn: Annotated[
        str | None, says("The role to assume (`aws-sts`; of `aws-cross` once it is made).", _ROLE)
    ] = None
    endpoint: Annotated[
        str | None, says("The store's address (`s3`).", "https://s3.example.com")
    ] = None
    provider: Annotated[str | None, says("Whose secret it is (`key_value`).", "labelbox")] = None
    ref: Annotated[str | None, says("What it is known as there (`key_value`).", "prod")] = None

    def __repr__(self) -> str:
        return f"<NewIntegration {self.name!r}>"


class IntegrationChange(Change, frozen=True):
    """What to change of an integration. A key goes with its secret; a changed key or role has to
    be verified anew."""

    name: Annotated[str | msgspec.UnsetType, says("Another name.", "aws-prod")] = msgspec.UNSET
    access_key_id: Annotated[str | msgspec.UnsetType, says("Another key's id.", _KEY)] = (
        msgspec.UNSET
    )
    secret_access_key: Annotated[
        str | msgspec.UnsetType,
        says("Its secret.", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
    ] = msgspec.UNSET
    role_arn: Annotated[str | msgspec.UnsetType, says("Another role.", _ROLE)] = msgspec.UNSET

    def __repr__(self) -> str:
        return "<IntegrationChange>"


class IntegrationsQuery(Paging, frozen=True):
    """Which integrations."""

    org_id: WhichOrg = None
    name: Annotated[str | None, says("Only the one of this name.", "aws")] = None


class VerifyQuery(Query, frozen=True):
    """Whether to verify."""

    verify: Annotated[bool, says("Verify it at once, and answer with the report.", True)] = True


_PATH: Final = "/v1/integrations/{integrationId}"
_TAG: Final = "integrations"

LIST_INTEGRATIONS: Final = Operation(
    id="listIntegrations",
    method="GET",
    path="/v1/integrations",
    tag=_TAG,
    summary="List an organisation's integrations by name.",
    query=IntegrationsQuery,
    result=Page[Integration],
)
CREATE_INTEGRATION: Final = Operation(
    id="createIntegration",
    method="POST",
    path="/v1/integrations",
    tag=_TAG,
    summary="Register an integration, and verify it.",
    description="It is kept even if a check fails: `state` says so, and `report` says why. "
    "`aws-cross` and `s3` are verified once there is something to try.",
    query=VerifyQuery,
    body=NewIntegration,
    result=Integration,
    status=201,
    errors=("name_taken", "aws_unavailable"),
    makes=True,
)
GET_INTEGRATION: Final = Operation(
    id="getIntegration",
    method="GET",
    path=_PATH,
    tag=_TAG,
    summary="Show an integration.",
    result=Integration,
)
UPDATE_INTEGRATION: Final = Operation(
    id="updateIntegration",
    method="PATCH",
    path=_PATH,
    tag=_TAG,
    summary="Change an integration's name, key or role.",
    body=IntegrationChange,
    result=Integration,
    errors=("name_taken", "key_in_rotation", "aws_unavailable", "seal_broken"),
    versioned=True,
)
DELETE_INTEGRATION: Final = Operation(
    id="deleteIntegration",
    method="DELETE",
    path=_PATH,
    tag=_TAG,
    summary="Forget an integration and its secret.",
    description="The answer says what was vended through it and works on: its key can not revoke "
    "that any more.",
    result=Ending,
    errors=("in_use",),
    versioned=True,
)
VERIFY_INTEGRATION: Final = Operation(
    id="verifyIntegration",
    method="POST",
    path=f"{_PATH}/verifications",
    tag=_TAG,
    summary="Try whether an integration works, through each of its locations too.",
    description=f"With `Accept: {NDJSON}` each check comes as soon as it is known, a JSON object a "
    "line, and the report last.",
    result=Report,
    errors=("role_missing", "no_temporary_credentials", "integration_disabled", "aws_unavailable"),
    lines=ReportLine,
)
DISABLE_INTEGRATION: Final = Operation(
    id="disableIntegration",
    method="POST",
    path=f"{_PATH}/disable",
    tag=_TAG,
    summary="Give no credentials through an integration until it is enabled again.",
    description="The answer says what was vended through it before, and works on.",
    result=Integration,
)
ENABLE_INTEGRATION: Final = Operation(
    id="enableIntegration",
    method="POST",
    path=f"{_PATH}/enable",
    tag=_TAG,
    summary="Give credentials through an integration again; it has to be verified anew.",
    result=Integration,
)
OPERATIONS: Final = (
    LIST_INTEGRATIONS,
    CREATE_INTEGRATION,
    GET_INTEGRATION,
    UPDATE_INTEGRATION,
    DELETE_INTEGRATION,
    VERIFY_INTEGRATION,
    DISABLE_INTEGRATION,
    ENABLE_INTEGRATION,
)
