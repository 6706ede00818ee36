"""Temporary credentials and presigned URLs."""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec

from valetkey.wire.base import (
    ID,
    Access,
    Body,
    LocationId,
    Moment,
    Prefixes,
    Query,
    Shape,
    moment_meta,
    says,
)
from valetkey.wire.operation import NDJSON, Operation

_Seconds = Annotated[int, msgspec.Meta(ge=900, le=43200)]
_LEFT_OUT: Final = "left out: an hour, or less where no more is allowed."
Purpose = Annotated[
    str, says("What they are for, for the audit trail.", "nightly training", max_length=500)
]


class CredentialsRequest(Body, frozen=True):
    """What to open, and for how long."""

    prefixes: Prefixes
    access: Access
    ttl_seconds: Annotated[
        _Seconds | None, says(f"For how long they should open it; {_LEFT_OUT}", 3600)
    ] = None
    purpose: Purpose = ""
    bare: Annotated[bool, says('Let listings name the folders without their "/" too.', False)] = (
        False
    )
    versions: Annotated[bool, says("Open older versions too.", False)] = False
    min_ttl_seconds: Annotated[
        int,
        says(
            "How much time must be left of them at least: a session that was vended before is "
            "given again only while it has that. As much as ttlSeconds asks for all of it.",
            1800,
            ge=0,
            le=43200,
        ),
    ] = 0


LocationName = Annotated[
    str, says("The location's name or id.", "training-data", min_length=1, max_length=255)
]


class NamedCredentialsRequest(CredentialsRequest, frozen=True, kw_only=True):
    """What to open, in a location that is known by its name."""

    location: LocationName


class Credentials(Shape, frozen=True):
    """Temporary credentials, and what they open."""

    lease_id: Annotated[str, says("The lease that records them.", ID)]
    location_id: LocationId
    access_key_id: Annotated[str, says("The access key's id.", "ASIAIOSFODNN7EXAMPLE")]
    secret_access_key: Annotated[
        str, says("The secret.", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
    ]
    session_token: Annotated[str, says("The session token.", "IQoJb3JpZ2luX2VjEXAMPLE")]
    expires_at: Annotated[Moment, moment_meta("Until when they open it.")]
    bucket: Annotated[str, says("The bucket.", "acme-data")]
    prefixes: Annotated[list[str], says("Full key prefixes in the bucket.", ["train/"])]
    access: Access
    region: Annotated[str | None, says("The bucket's region.", "eu-central-1")] = None
    endpoint: Annotated[
        str | None, says("The address of an S3-compatible store.", "https://s3.example.com")
    ] = None
    warnings: Annotated[
        list[str],
        says(
            "What may surprise whoever asked, in sentences: a prefix that is taken letter by "
            "letter, or looks like an object's name; an end that is sooner than asked for.",
            ["It ends at 2026-01-31T12:40:00Z, which is sooner than was asked for."],
        ),
    ] = msgspec.field(default_factory=list)
    requester_pays: Annotated[
        bool | None,
        says("Requests must say that they pay (`x-amz-request-payer`); absent: no need.", True),
    ] = None

    def __repr__(self) -> str:
        return f"<Credentials lease={self.lease_id} until {self.expires_at}>"


class ContainerCredentials(msgspec.Struct, rename="pascal", frozen=True, kw_only=True):
    """Temporary credentials in the shape that AWS's SDKs fetch from a container endpoint."""

    access_key_id: Annotated[str, says("The access key's id.", "ASIAIOSFODNN7EXAMPLE")]
    secret_access_key: Annotated[
        str, says("The secret.", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
    ]
    token: Annotated[str, says("The session token.", "IQoJb3JpZ2luX2VjEXAMPLE")]
    expiration: Annotated[str, says("Until when they open it.", "2026-01-31T13:00:00Z")]

    def __repr__(self) -> str:
        return f"<ContainerCredentials until {self.expiration}>"


class ContainerError(Shape, frozen=True):
    """An error, as AWS's container contract has it."""

    code: Annotated[str, says("What kind of error it is.", "denied")]
    message: Annotated[str, says("What happened, and what to do.", "You may not read this.")]


class ContainerQuery(Query, frozen=True):
    """What to open, as a query."""

    prefix: Annotated[
        list[str],
        says("A folder below the location's own; may be repeated; empty is all of it.", ["train/"]),
    ]
    access: Annotated[str, says("What may be done, comma-separated.", "list,read")]
    ttl: Annotated[_Seconds | None, says(f"For how many seconds; {_LEFT_OUT}", 3600)] = None
    purpose: Purpose = ""


class NamedContainerQuery(ContainerQuery, frozen=True, kw_only=True):
    """What to open, in a location that is known by its name."""

    location: LocationName


class PresignRequest(Body, frozen=True):
    """Keys of the bucket, in full, and what their URLs let one do."""

    keys: Annotated[list[str], says("Up to 100,000 keys.", ["train/cat.jpg"])]
    method: Annotated[
        Literal["GET", "PUT", "HEAD", "DELETE"], says("What a URL lets one do.", "GET")
    ] = "GET"
    expires_seconds: Annotated[
        int, says("For how long; no URL outlives its session.", 3600, ge=1, le=604800)
    ] = 3600
    disposition: Annotated[str, says("The Content-Disposition of the answers.", "attachment")] = ""
    version_ids: Annotated[list[str], says("A version for each key; empty for the newest.", [])] = (
        msgspec.field(default_factory=list)
    )
    purpose: Purpose = ""


class NamedPresignRequest(PresignRequest, frozen=True, kw_only=True):
    """Keys of the bucket of a location that is known by its name."""

    location: LocationName


class PresignedUrl(Shape, frozen=True):
    """A URL: whoever has it has the right."""

    key: Annotated[str, says("The key.", "train/cat.jpg")]
    url: Annotated[
        str, says("The URL.", "https://acme-data.s3.eu-central-1.amazonaws.com/train/cat.jpg?...")
    ]
    expires_at: Annotated[Moment, moment_meta("When it really ends.")]

    def __repr__(self) -> str:
        return f"<PresignedUrl {self.key!r} until {self.expires_at}>"


class PresignedUrls(Shape, frozen=True):
    """URLs, in the order of the keys."""

    items: Annotated[list[PresignedUrl], says("A URL for each key.")]


_ONE: Final = "/v1/locations/{locationId}"
_ERRORS: Final = (
    "too_large",
    "integration_disabled",
    "role_missing",
    "no_temporary_credentials",
    "aws_refused",
    "aws_unavailable",
    "audit_unavailable",
    "seal_broken",
    "being_revoked",
)
_TAG: Final = "credentials"
_CONTAINER: Final = (
    "The shape is AWS's container contract: put the address into "
    "AWS_CONTAINER_CREDENTIALS_FULL_URI and the token into AWS_CONTAINER_AUTHORIZATION_TOKEN. The "
    "token may stand alone in `Authorization`; errors are `{code, message}`, as that contract has "
    "them."
)

CREATE_CREDENTIALS: Final = Operation(
    id="createCredentials",
    method="POST",
    path=f"{_ONE}/credentials",
    tag=_TAG,
    summary="Vend temporary credentials for folders of a location.",
    description="They leave once their record is durable. Asking twice does no harm.",
    body=CredentialsRequest,
    result=Credentials,
    errors=_ERRORS,
)
CREATE_CREDENTIALS_BY_NAME: Final = Operation(
    id="createCredentialsByName",
    method="POST",
    path="/v1/credentials",
    tag=_TAG,
    summary="Vend temporary credentials for folders of a location known by its name.",
    description="A name that several projects have is refused: use the id.",
    body=NamedCredentialsRequest,
    result=Credentials,
    errors=(*_ERRORS, "name_ambiguous"),
)
GET_CONTAINER_CREDENTIALS: Final = Operation(
    id="getContainerCredentials",
    method="GET",
    path=f"{_ONE}/credentials",
    tag=_TAG,
    summary="Vend temporary credentials as AWS's SDKs fetch them.",
    description=_CONTAINER,
    query=ContainerQuery,
    result=ContainerCredentials,
    errors=_ERRORS,
    contract="container",
)
GET_CONTAINER_CREDENTIALS_BY_NAME: Final = Operation(
    id="getContainerCredentialsByName",
    method="GET",
    path="/v1/container-credentials",
    tag=_TAG,
    summary="Vend temporary credentials as AWS's SDKs fetch them, by a location's name.",
    description=_CONTAINER,
    query=NamedContainerQuery,
    result=ContainerCredentials,
    errors=(*_ERRORS, "not_found", "name_ambiguous"),
    contract="container",
)
PRESIGN: Final = Operation(
    id="presign",
    method="POST",
    path=f"{_ONE}/presigned-urls",
    tag=_TAG,
    summary="Sign URLs for keys of a location's bucket.",
    description=f"With `Accept: {NDJSON}` the answer comes a line for each key, in order.",
    body=PresignRequest,
    result=PresignedUrls,
    errors=_ERRORS,
    lines=PresignedUrl,
    prefers_lines=True,
)
PRESIGN_BY_NAME: Final = Operation(
    id="presignByName",
    method="POST",
    path="/v1/presigned-urls",
    tag=_TAG,
    summary="Sign URLs for keys of the bucket of a location known by its name.",
    description=f"With `Accept: {NDJSON}` the answer comes a line for each key, in order.",
    body=NamedPresignRequest,
    result=PresignedUrls,
    errors=(*_ERRORS, "name_ambiguous"),
    lines=PresignedUrl,
    prefers_lines=True,
)
OPERATIONS: Final = (
    CREATE_CREDENTIALS,
    CREATE_CREDENTIALS_BY_NAME,
    GET_CONTAINER_CREDENTIALS,
    GET_CONTAINER_CREDENTIALS_BY_NAME,
    PRESIGN,
    PRESIGN_BY_NAME,
)
