"""Locations: buckets, or folders of them, that may be opened through an integration."""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec

from valetkey.wire.base import (
    ID,
    Access,
    AccessLevel,
    Body,
    Change,
    Created,
    Creator,
    Id,
    Moment,
    Name,
    Page,
    Paging,
    ProjectId,
    Query,
    Shape,
    Updated,
    Version,
    moment_meta,
    says,
)
from valetkey.wire.integrations import IntegrationType
from valetkey.wire.leases import Ending, LiveUntil, Revoked
from valetkey.wire.operation import NDJSON, Operation
from valetkey.wire.reports import Report, ReportLine

StorageClass = Literal[
    "STANDARD",
    "STANDARD_IA",
    "ONEZONE_IA",
    "INTELLIGENT_TIERING",
    "GLACIER",
    "GLACIER_IR",
    "DEEP_ARCHIVE",
    "REDUCED_REDUNDANCY",
    "EXPRESS_ONEZONE",
]
_KMS: Final = "arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"


class Location(Shape, frozen=True):
    """A bucket, or a folder of it, that may be opened through an integration: what people ask
    credentials for."""

    id: Id
    project_id: ProjectId
    name: Name
    bucket: Annotated[str, says("The bucket.", "acme-data")]
    access: Access
    created_at: Created
    updated_at: Updated
    version: Version
    allow_external_delete: Annotated[
        bool, says("Deleting an object's entry in a dataset deletes the object.", False)
    ]
    shared_sessions: Annotated[
        bool, says("Everybody with the same scope gets the same session.", False)
    ]
    requester_pays: Annotated[
        bool,
        says(
            "Every request says that whoever makes it pays for it, as a Requester Pays bucket "
            "wants; the integration's account is charged.",
            False,
        ),
    ]
    creator: Annotated[Creator | None, says("Who made it, for those who may see it.")] = None
    integration_id: Annotated[
        str | None, says("The integration that opens it, for those who may see it.", ID)
    ] = None
    integration_type: Annotated[
        IntegrationType | None, says("The integration's type.", "aws-sts")
    ] = None
    parent_id: Annotated[str | None, says("The location that it lies in.", ID)] = None
    folder: Annotated[
        str | None, says('The folder, ending in "/"; absent: the whole bucket.', "train/")
    ] = None
    region: Annotated[str | None, says("The bucket's region.", "eu-central-1")] = None
    endpoint: Annotated[
        str | None, says("The address of an S3-compatible store.", "https://s3.example.com")
    ] = None
    client_endpoint: Annotated[
        str | None,
        says("Where clients find S3, whoever names it; absent: at AWS.", "https://s3.example.com"),
    ] = None
    storage_class: Annotated[
        StorageClass | None, says("The storage class of what is uploaded.", "STANDARD")
    ] = None
    kms_key_arn: Annotated[str | None, says("The KMS key of the bucket.", _KMS)] = None
    ends_at: Annotated[Moment | None, moment_meta("From when on it opens nothing.")] = None
    child_ids: Annotated[
        list[str] | None,
        says("The locations within it, which the change just made concerns as well.", [ID]),
    ] = None
    leases_beyond: Annotated[
        int | None,
        says(
            "How many live leases, also of what lies within it, opened more than is left after the "
            "change just made, and works on.",
            0,
        ),
    ] = None
    live_until: LiveUntil = None
    revoked: Annotated[
        Revoked | None, says("What became of these, if they were to be revoked.")
    ] = None


class NewLocation(Body, frozen=True):
    """A location to be. With an integration it is a root, which an organisation's owner makes: its
    bucket is looked for, and the region found out. Otherwise, and for everybody else, it lies
    within a location of the project, and opens no more than that."""

    name: Name
    bucket: Annotated[str, says("The bucket's name.", "acme-data", min_length=1, max_length=255)]
    project_id: ProjectId
    integration_id: Annotated[
        str | None, says("The integration that opens it, for a root.", ID)
    ] = None
    parent_id: Annotated[
        str | None,
        says(
            "The location that it lies in; left out: the narrowest of the project that holds it.",
            ID,
        ),
    ] = None
    access: Annotated[
        list[AccessLevel],
        says("The most that it opens.", ["list", "read"]),
    ] = msgspec.field(default_factory=lambda: ["list", "read", "write", "delete"])
    ends_at: Annotated[
        Moment | None, moment_meta("From when on it opens nothing; left out: never.")
    ] = None
    folder: Annotated[
        str | None, says("A folder of the bucket; left out: all of it.", "train/")
    ] = None
    region: Annotated[
        str | None, says("The bucket's region; left out: it is found out.", "eu-central-1")
    ] = None
    endpoint: Annotated[
        str | None,
        says(
            "A store's address other than the integration's; the server's settings say which are "
            "allowed.",
            "https://s3.example.com",
        ),
    ] = None
    storage_class: Annotated[
        StorageClass | None, says("The storage class of what is uploaded.", "STANDARD")
    ] = None
    kms_key_arn: Annotated[
        str | None,
        says("The KMS key of the bucket; credentials may use it, for its objects only.", _KMS),
    ] = None
    allow_external_delete: Annotated[
        bool, says("Deleting an object's entry in a dataset deletes the object.", False)
    ] = False
    shared_sessions: Annotated[
        bool,
        says(
            "Give everybody with the same scope the same session; CloudTrail then names the "
            "location instead of the person.",
            False,
        ),
    ] = False
    requester_pays: Annotated[
        bool,
        says(
            "Pay for requests, as a Requester Pays bucket wants; a child does as its parent.", False
        ),
    ] = False


class LocationChange(Change, frozen=True):
    """What to change of a location. Where it is (bucket, folder, endpoint, integration) is what it
    was made with: grants, what lies within it and datasets are told by it, and would lead to other
    data unseen."""

    name: Annotated[str | msgspec.UnsetType, says("Another name.", "training")] = msgspec.UNSET
    allow_external_delete: Annotated[
        bool | msgspec.UnsetType,
        says("Deleting an object's entry in a dataset deletes the object.", True),
    ] = msgspec.UNSET
    shared_sessions: Annotated[
        bool | msgspec.UnsetType, says("Give everybody the same session.", False)
    ] = msgspec.UNSET
    requester_pays: Annotated[
        bool | msgspec.UnsetType, says("Pay for requests; what lies within it follows.", True)
    ] = msgspec.UNSET
    kms_key_arn: Annotated[
        str | msgspec.UnsetType | None, says("The KMS key of the bucket; null: none.", _KMS)
    ] = msgspec.UNSET
    access: Annotated[
        list[AccessLevel] | msgspec.UnsetType, says("The most that it opens.", ["list"])
    ] = msgspec.UNSET
    ends_at: Annotated[
        Moment | msgspec.UnsetType | None,
        moment_meta("From when on it opens nothing; null: never."),
    ] = msgspec.UNSET
    revoke_beyond: Annotated[
        bool | msgspec.UnsetType,
        says("Revoke the leases that open more than is left, within it too.", True),
    ] = msgspec.UNSET


class LocationDeletion(Query, frozen=True):
    """What is to become of what was vended."""

    revoke: Annotated[
        bool, says("Revoke the leases of it, and of what lay within it, too.", True)
    ] = False


class LocationsQuery(Paging, frozen=True):
    """Which locations."""

    project_id: Annotated[str | None, says("Only those of this project.", ID)] = None
    name: Annotated[
        str | None, says("Only those of this name, in all projects.", "training-data")
    ] = None


_ONE: Final = "/v1/locations/{locationId}"
_TAG: Final = "locations"

LIST_LOCATIONS: Final = Operation(
    id="listLocations",
    method="GET",
    path="/v1/locations",
    tag=_TAG,
    summary="List the locations that the caller may see.",
    description="With `name` one is found in a single request, whatever project it is in.",
    query=LocationsQuery,
    result=Page[Location],
)
CREATE_LOCATION: Final = Operation(
    id="createLocation",
    method="POST",
    path="/v1/locations",
    tag=_TAG,
    summary="Make a location.",
    body=NewLocation,
    result=Location,
    status=201,
    errors=(
        "name_taken",
        "aws_refused",
        "aws_unavailable",
        "role_missing",
        "integration_disabled",
        "no_temporary_credentials",
        "seal_broken",
    ),
    makes=True,
)
CHECK_NEW_LOCATION: Final = Operation(
    id="checkNewLocation",
    method="POST",
    path="/v1/location-checks",
    tag="locations",
    summary="Find out whether a location could be made, and make none.",
    body=NewLocation,
    status=204,
    errors=CREATE_LOCATION.errors,
)
GET_LOCATION: Final = Operation(
    id="getLocation",
    method="GET",
    path=_ONE,
    tag=_TAG,
    summary="Show a location.",
    result=Location,
)
UPDATE_LOCATION: Final = Operation(
    id="updateLocation",
    method="PATCH",
    path=_ONE,
    tag=_TAG,
    summary="Change a location.",
    body=LocationChange,
    result=Location,
    errors=("name_taken",),
    versioned=True,
)
DELETE_LOCATION: Final = Operation(
    id="deleteLocation",
    method="DELETE",
    path=_ONE,
    tag=_TAG,
    summary="Forget a location; its bucket is not touched.",
    description="The answer says what was vended of it, and of what lay within it, and works on.",
    query=LocationDeletion,
    result=Ending,
    errors=("in_use",),
    versioned=True,
)
VERIFY_LOCATION: Final = Operation(
    id="verifyLocation",
    method="POST",
    path=f"{_ONE}/verifications",
    tag=_TAG,
    summary="List, write, read and delete a probe object in a location.",
    description=f"With `Accept: {NDJSON}` each check comes as soon as it is known, a JSON object a "
    "line, and the report last.",
    result=Report,
    errors=("role_missing", "no_temporary_credentials", "integration_disabled", "seal_broken"),
    lines=ReportLine,
)
OPERATIONS: Final = (
    LIST_LOCATIONS,
    CREATE_LOCATION,
    CHECK_NEW_LOCATION,
    GET_LOCATION,
    UPDATE_LOCATION,
    DELETE_LOCATION,
    VERIFY_LOCATION,
)
