"""Tokens, the caller, API keys."""

from __future__ import annotations

from typing import Literal

import msgspec

from valetkey.catalog.dataloop.wire.base import In, Out, moment
from valetkey.domain.people import ApiToken


class UserCredentials(msgspec.Struct, tag="user_credentials", tag_field="type", frozen=True):
    """A login. Dataloop's SDK sends further fields, which are let be."""

    username: str
    password: str


class RefreshToken(msgspec.Struct, tag="refresh_token", tag_field="type", frozen=True):
    """The way to a new token before the old one ends."""

    refresh_token: str


class TokenOut(msgspec.Struct, frozen=True):
    """``id_token`` goes into ``Authorization: Bearer``; ``expires_in`` is in seconds."""

    id_token: str
    refresh_token: str
    expires_in: int
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105  # the scheme's name


class PasswordIn(In, frozen=True):
    """The caller's password, and the one that is to take its place."""

    old: str
    new: str

    def __repr__(self) -> str:
        return "<PasswordIn>"


class OrgRoleOut(Out, frozen=True):
    """An organisation of the caller's, and the role in it."""

    id: str
    name: str
    role: str


class ProjectRoleOut(Out, frozen=True):
    """A project that the caller may see. ``org`` is the organisation's id."""

    id: str
    name: str
    org: str
    role: str


class MeOut(Out, frozen=True):
    """Who is asking."""

    id: str
    email: str
    orgs: list[OrgRoleOut]
    projects: list[ProjectRoleOut]


class ApiKeyIn(In, frozen=True):
    """A new API key. ``userId``, if given, is the caller's own id or e-mail address."""

    description: str = "made over the API"
    user_id: str | None = None
    days: int | None = None


class ApiKeyOut(Out, frozen=True):
    """An API key; ``jwt`` is there once, when it is made."""

    id: str
    description: str
    created_at: str
    expires_at: str
    revoked_at: str | None = None
    jwt: str | msgspec.UnsetType = msgspec.UNSET

    @classmethod
    def of(cls, key: ApiToken, jwt: str | msgspec.UnsetType = msgspec.UNSET) -> ApiKeyOut:
        """Return a key's shape."""
        return cls(
            id=key.id,
            description=key.description,
            created_at=moment(key.created_at),
            expires_at=moment(key.expires_at),
            revoked_at=moment(key.revoked_at) if key.revoked_at else None,
            jwt=jwt,
        )
