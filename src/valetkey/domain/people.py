"""Organisations, projects, people and their API keys."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from valetkey.domain.access import OrgRole, ProjectRole
from valetkey.domain.errors import InvalidInput

_EMAIL: Final = re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*", re.ASCII)
_MAX_EMAIL: Final = 254
MIN_PASSWORD: Final = 12
_MAX_PASSWORD: Final = 1024


@dataclass(frozen=True, slots=True)
class Organization:
    """The owner of integrations and projects."""

    id: str
    name: str
    created_at: datetime
    version: int = 1


@dataclass(frozen=True, slots=True)
class Project:
    """The owner of locations and datasets."""

    id: str
    org_id: str
    name: str
    creator: str
    created_at: datetime
    updated_at: datetime
    version: int = 1


@dataclass(frozen=True, slots=True)
class User:
    """A person or a machine account. ``password_hash`` is argon2id's encoded form; logins from
    before ``sign_in_since`` no longer count (API keys are not logins)."""

    id: str
    email: str
    password_hash: str
    created_at: datetime
    sign_in_since: datetime


@dataclass(frozen=True, slots=True)
class OrgMember:
    """A user's role in an organisation."""

    org_id: str
    user_id: str
    email: str
    role: OrgRole


@dataclass(frozen=True, slots=True)
class ProjectMember:
    """A user's role in a project."""

    project_id: str
    user_id: str
    email: str
    role: ProjectRole


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A revocable key. Only this record is stored; the JWT that names it is shown once."""

    id: str
    user_id: str
    description: str
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None = None


def parse_email(text: str) -> str:
    """Return an e-mail address in lower case. Raises :class:`InvalidInput`."""
    email = text.strip().lower()
    if not _EMAIL.fullmatch(email) or len(email) > _MAX_EMAIL:
        raise InvalidInput(
            f"{text[:80]!r} is not an e-mail address.",
            hint="Use the form name@example.com.",
            field="email",
        )
    return email


def check_password(password: str) -> str:
    """Return a password that is long enough to keep. Raises :class:`InvalidInput`."""
    if not MIN_PASSWORD <= len(password) <= _MAX_PASSWORD:
        raise InvalidInput(
            "The password's length is not acceptable.",
            hint=f"Use at least {MIN_PASSWORD} characters; length counts, kinds of letters don't.",
            field="password",
        )
    return password
