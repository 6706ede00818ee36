"""Leases, revocations and blocks."""

from __future__ import annotations

from typing import Annotated, ClassVar, Final, Literal

import msgspec

from valetkey.wire.administrators import Administrator
from valetkey.wire.base import (
    ID,
    Access,
    Body,
    Created,
    Id,
    IntegrationId,
    LocationId,
    MadeBy,
    Moment,
    OrgId,
    Page,
    Paging,
    Person,
    Query,
    Shape,
    WhichOrg,
    moment_meta,
    says,
)
from valetkey.wire.operation import Operation

Target = Literal["lease", "principal", "location", "integration", "token", "serviceAccount"]
LeaseState = Literal["active", "expired", "revoked"]
_ROLE: Final = "arn:aws:iam::123456789012:role/valetkey-role"
Reason = Annotated[
    str, says("Why, in one line: it is audited.", "laptop stolen", min_length=1, max_length=500)
]


class Lease(Shape, frozen=True):
    """The record of one vended session; never its secret."""

    id: Id
    org_id: OrgId
    integration_id: IntegrationId
    location_id: LocationId
    state: Annotated[LeaseState, says("Whether it still opens anything.", "active")]
    session_name: Annotated[str, says("What CloudTrail shows.", f"ada-{ID}")]
    access_key_id: Annotated[str, says("The access key's id.", "ASIAIOSFODNN7EXAMPLE")]
    bucket: Annotated[str, says("The bucket that it opens.", "acme-data")]
    prefixes: Annotated[list[str], says("Full key prefixes in the bucket.", ["train/"])]
    access: Access
    issued_at: Annotated[Moment, moment_meta("When it was vended.")]
    expires_at: Annotated[Moment, moment_meta("When it ends by itself.")]
    holder: Annotated[
        Person | None, says("Who got it; absent for a session that several share.")
    ] = None
    role_arn: Annotated[str | None, says("The role that was assumed.", _ROLE)] = None
    revoked_at: Annotated[Moment | None, moment_meta("When it was revoked.")] = None


class LeasesQuery(Paging, frozen=True):
    """Which leases."""

    org_id: WhichOrg = None
    location_id: Annotated[str | None, says("Only those of this location.", ID)] = None
    integration_id: Annotated[str | None, says("Only those of this integration.", ID)] = None
    principal: Annotated[
        Annotated[str, msgspec.Meta(pattern=r"\S")] | None,
        says("Only those of this person (e-mail address).", "ada@example.com"),
    ] = None
    active: Annotated[bool, says("Only those that still open something.", True)] = False


class ByHand(Shape, frozen=True):
    """What somebody with the right can apply at AWS by hand."""

    name: Annotated[str, says("The inline policy's name.", "valetkey-revocations")]
    document: Annotated[str, says("The policy, as JSON.", '{"Version": "2012-10-17"}')]
    command: Annotated[str, says("The command that applies it.", "aws iam put-role-policy ...")]


class Revocation(Shape, frozen=True):
    """Leases of one role that were ended."""

    id: Id
    org_id: OrgId
    integration_id: IntegrationId
    kind: Annotated[Target, says("What was meant.", "principal")]
    target: Annotated[str, says("Which: an id, or a person's e-mail address.", "ada@example.com")]
    role_arn: Annotated[str, says("The role whose sessions are refused.", _ROLE)]
    state: Annotated[
        Literal["pending", "enforced", "over"],
        says(
            "`pending`: AWS has not confirmed the deny yet. `enforced`: it stands. `over`: the "
            "sessions have ended by themselves, and the deny was taken out.",
            "enforced",
        ),
    ]
    reason: Reason
    creator: MadeBy
    created_at: Created
    ends_at: Annotated[Moment, moment_meta("When the last of the sessions ends by itself.")]
    widened: Annotated[
        bool,
        says("For want of room it reaches others' sessions of the role before its moment.", False),
    ]
    problem: Annotated[str | None, says("Why it is pending.", "iam:PutRolePolicy is denied")] = None
    proof: Annotated[str | None, says("How it was seen to work.", "listing is denied")] = None
    by_hand: Annotated[ByHand | None, says("What to apply by hand while it is pending.")] = None


class NewRevocation(Body, frozen=True):
    """Which leases to end, and why."""

    kind: Annotated[Target, says("What is meant.", "principal")]
    target: Annotated[
        str,
        says(
            "Which: an id, or a person's e-mail address.",
            "ada@example.com",
            min_length=1,
            max_length=254,
        ),
    ]
    reason: Reason
    org_id: WhichOrg = None
    refuse_new: Annotated[
        bool, says("Block it too: vend no new ones until it is unblocked.", False)
    ] = False
    administrator: Annotated[
        Administrator | None,
        says("AWS credentials for this one request, where Valetkey's own may not do it."),
    ] = None


class Revoked(Shape, frozen=True):
    """What a revocation came to."""

    leases: Annotated[int, says("How many leases were ended.", 3)]
    blocked: Annotated[bool, says("No new ones are vended.", False)]
    revocations: Annotated[list[Revocation], says("What became of it, a role each.")]
    others: Annotated[
        list[str],
        says(
            "Who else had been given sessions that were ended (e-mail addresses): they shared "
            "them.",
            ["bob@example.com"],
        ),
    ] = msgspec.field(default_factory=list)


_LIVE: Final = says("How many AWS sessions, vended before, AWS does not refuse yet.", 3)
LiveLeases = Annotated[int | None, _LIVE]
LiveUntil = Annotated[Moment | None, moment_meta("When the last of them ends by itself.")]


class Ending(Shape, frozen=True):
    """What an ending left. Nothing new is vended; AWS sessions that were vended before work on
    until they end by themselves or are revoked."""

    live_leases: Annotated[int, _LIVE]
    live_until: LiveUntil = None
    revoked: Annotated[
        Revoked | None, says("What the revocation came to, if it was asked for.")
    ] = None


class RevocationsQuery(Paging, frozen=True):
    """Which revocations."""

    org_id: WhichOrg = None


class Block(Shape, frozen=True):
    """Whom, or through what, no new credentials are vended."""

    tagged: ClassVar = True
    observed: ClassVar = ("live_leases", "live_until")
    handle: ClassVar = ("kind", "target")

    kind: Annotated[Target, says("What is meant.", "principal")]
    target: Annotated[str, says("Which: an id, or a person's e-mail address.", "ada@example.com")]
    org_id: OrgId
    reason: Reason
    creator: MadeBy
    created_at: Created
    live_leases: LiveLeases = None
    live_until: LiveUntil = None


class BlocksQuery(Paging, frozen=True):
    """Which blocks."""

    org_id: WhichOrg = None


class NewBlock(Body, frozen=True):
    """Why no new credentials are to be vended."""

    reason: Reason


class InOrg(Query, frozen=True):
    """In which organisation."""

    org_id: WhichOrg = None


_BLOCK: Final = "/v1/blocks/{kind}/{target}"

LIST_LEASES: Final = Operation(
    id="listLeases",
    method="GET",
    path="/v1/leases",
    tag="leases",
    summary="List leases, newest first; whoever is not an owner sees their own.",
    query=LeasesQuery,
    result=Page[Lease],
)
GET_LEASE: Final = Operation(
    id="getLease",
    method="GET",
    path="/v1/leases/{leaseId}",
    tag="leases",
    summary="Show a lease.",
    result=Lease,
)
LIST_REVOCATIONS: Final = Operation(
    id="listRevocations",
    method="GET",
    path="/v1/revocations",
    tag="revocations",
    summary="List what was revoked, newest first.",
    query=RevocationsQuery,
    result=Page[Revocation],
)
CREATE_REVOCATION: Final = Operation(
    id="createRevocation",
    method="POST",
    path="/v1/revocations",
    tag="revocations",
    summary="End leases: AWS refuses their credentials, and the URLs presigned with them.",
    description="What AWS could not be told yet is `pending`, says why, and is tried again.",
    body=NewRevocation,
    result=Revoked,
    makes=True,
)
GET_REVOCATION: Final = Operation(
    id="getRevocation",
    method="GET",
    path="/v1/revocations/{revocationId}",
    tag="revocations",
    summary="Show a revocation.",
    query=InOrg,
    result=Revocation,
)
LIST_BLOCKS: Final = Operation(
    id="listBlocks",
    method="GET",
    path="/v1/blocks",
    tag="revocations",
    summary="List whom, or through what, no new credentials are vended.",
    query=BlocksQuery,
    result=Page[Block],
)
GET_BLOCK: Final = Operation(
    id="getBlock",
    method="GET",
    path=_BLOCK,
    tag="revocations",
    summary="Show a block.",
    query=InOrg,
    result=Block,
)
PUT_BLOCK: Final = Operation(
    id="putBlock",
    method="PUT",
    path=_BLOCK,
    tag="revocations",
    summary="Block: vend no new credentials, from now on.",
    description="What was vended before lives on, and the answer says how much until when: revoke "
    "it too, where it must end.",
    query=InOrg,
    body=NewBlock,
    result=Block,
    versioned=True,
)
DELETE_BLOCK: Final = Operation(
    id="deleteBlock",
    method="DELETE",
    path=_BLOCK,
    tag="revocations",
    summary="Unblock: vend new credentials again.",
    query=InOrg,
    status=204,
    versioned=True,
)
OPERATIONS: Final = (
    LIST_LEASES,
    GET_LEASE,
    LIST_REVOCATIONS,
    CREATE_REVOCATION,
    GET_REVOCATION,
    LIST_BLOCKS,
    GET_BLOCK,
    PUT_BLOCK,
    DELETE_BLOCK,
)
