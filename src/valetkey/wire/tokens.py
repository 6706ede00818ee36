"""API tokens: what programs show."""

from __future__ import annotations

from typing import Annotated, ClassVar, Final, Literal

import msgspec

from valetkey.wire.base import (
    ID,
    AccessLevel,
    Body,
    Created,
    Id,
    MadeBy,
    Moment,
    OrgId,
    Page,
    Paging,
    Person,
    Shape,
    WhichOrg,
    moment_meta,
    says,
)
from valetkey.wire.leases import Ending
from valetkey.wire.operation import Operation

TokenState = Literal["active", "expired", "revoked"]


class TokenLimits(Body, frozen=True):
    """What a token may not do although its holder may; what is left out does not limit it."""

    location_ids: Annotated[
        list[str] | None, says("It is for these, and what lies within.", [ID])
    ] = None
    prefixes: Annotated[
        list[str] | None, says('And for these folders in them, each ending in "/".', ["train/"])
    ] = None
    access: Annotated[
        list[AccessLevel] | None, says("It opens no more than this.", ["list", "read"])
    ] = None
    max_ttl_seconds: Annotated[
        Annotated[int, msgspec.Meta(ge=900, le=43200)] | None,
        says("The longest life of a credential.", 3600),
    ] = None
    networks: Annotated[
        list[str] | None, says("It is good from these network ranges only.", ["192.0.2.0/24"])
    ] = None


class Token(Shape, frozen=True):
    """An API token. It acts as its holder, with at most the rights that they have at each
    moment."""

    observed: ClassVar = ("last_used_at", "last_used_from")
    handle: ClassVar = ("id",)

    id: Id
    org_id: OrgId
    name: Annotated[str, says("What it is for.", "nightly training")]
    holder: Annotated[Person, says("Whose rights it has.")]
    state: Annotated[TokenState, says("Whether it is still good.", "active")]
    limits: Annotated[TokenLimits, says("What it may not do although its holder may.")]
    creator: MadeBy
    created_at: Created
    expires_at: Annotated[Moment, moment_meta("When it ends.")]
    revoked_at: Annotated[Moment | None, moment_meta("When it was revoked.")] = None
    last_used_at: Annotated[Moment | None, moment_meta("When it was last used.")] = None
    last_used_from: Annotated[
        str | None, says("From which network address it was last used.", "192.0.2.7")
    ] = None
    token: Annotated[str | None, says("The token itself, once: when it is made.", "vkt_...")] = None

    def __repr__(self) -> str:
        return f"<Token {self.id} {self.name!r}>"


class NewToken(Body, frozen=True):
    """An API token to be, for oneself."""

    name: Annotated[str, says("What it is for.", "nightly training", min_length=1, max_length=200)]
    ttl_seconds: Annotated[
        Annotated[int, msgspec.Meta(ge=1, le=31_536_000)] | None,
        says("For how long it is good: up to a year; left out: 90 days.", 2592000),
    ] = None
    limits: Annotated[TokenLimits | None, says("What it may not do although its holder may.")] = (
        None
    )
    org_id: WhichOrg = None


class TokensQuery(Paging, frozen=True):
    """Which tokens."""

    org_id: Annotated[
        str | None,
        says("Those of everybody in this organisation, for its owners; left out: one's own.", ID),
    ] = None


_ONE: Final = "/v1/tokens/{tokenId}"

LIST_TOKENS: Final = Operation(
    id="listTokens",
    method="GET",
    path="/v1/tokens",
    tag="tokens",
    summary="List one's API tokens, or an organisation's, newest first.",
    query=TokensQuery,
    result=Page[Token],
)
CREATE_TOKEN: Final = Operation(
    id="createToken",
    method="POST",
    path="/v1/tokens",
    tag="tokens",
    summary="Make an API token; the answer alone holds it.",
    body=NewToken,
    result=Token,
    status=201,
    makes=True,
    secret=True,
)
GET_TOKEN: Final = Operation(
    id="getToken",
    method="GET",
    path=_ONE,
    tag="tokens",
    summary="Show an API token.",
    result=Token,
)
REVOKE_TOKEN: Final = Operation(
    id="revokeToken",
    method="DELETE",
    path=_ONE,
    tag="tokens",
    summary="End an API token at once.",
    description="The answer says what was vended with it, and works on.",
    result=Ending,
    versioned=True,
)
OPERATIONS: Final = (LIST_TOKENS, CREATE_TOKEN, GET_TOKEN, REVOKE_TOKEN)
