"""Organisations, projects, people, and how they sign in."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from valetkey.domain.access import OrgRole, ProjectRole
from valetkey.domain.errors import InvalidInput
from valetkey.domain.token_limits import UNLIMITED, TokenLimits

_EMAIL: Final = re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*", re.ASCII)
_MAX_EMAIL: Final = 254
MIN_PASSWORD: Final = 12
_MAX_PASSWORD: Final = 1024
_SERVICE_NAME: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,58}[a-z0-9])?", re.ASCII)
#: The addresses of service accounts end like this (``.internal`` is nobody's on the Internet).
SERVICE_DOMAIN: Final = ".service.internal"


@dataclass(frozen=True, slots=True)
class Organization:
    """The owner of integrations and projects."""

    id: str
    name: str
    created_at: datetime
    version: int = 1


@dataclass(frozen=True, slots=True)
class Project:
    """The owner of locations and datasets. Datasets that name no location go to the default one,
    each to a folder of its own; empty is none."""

    id: str
    org_id: str
    name: str
    creator: str
    created_at: datetime
    updated_at: datetime
    default_location_id: str = ""
    version: int = 1


class UserKind(StrEnum):
    """What a user is."""

    PERSON = "person"
    SERVICE = "service"


@dataclass(frozen=True, slots=True)
class User:
    """A person, or a service account: a program's identity in a project, which has a ``name`` and
    an address made of it, and signs in with API tokens only.

    ``password_hash`` is argon2id's encoded form, empty for who has no password. ``generation``
    counts up whenever all sign-ins end (a new password, signing out everywhere, leaving): a login
    or a browser session of an earlier one no longer counts, whatever the clocks say.
    """

    id: str
    email: str
    password_hash: str
    created_at: datetime
    generation: int = 0
    kind: UserKind = UserKind.PERSON
    name: str = ""
    project_id: str | None = None


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


class TokenForm(StrEnum):
    """How an API token is written."""

    #: ``vkt_``, letters and digits, a checksum; stored as a hash.
    OPAQUE = "opaque"
    #: A signed token that names its record, as Dataloop's SDK wants it.
    JWT = "jwt"


@dataclass(frozen=True, slots=True)
class ApiToken:
    """What a program shows. It acts as ``user_id`` in one organisation, with at most the rights
    that this user has at each moment. The token itself is shown once; ``secret_hash`` is the
    SHA-256 of an opaque one (hex), None for a signed one. ``creator`` is the e-mail address of who
    made it: for a service account's token somebody else.
    """

    id: str
    user_id: str
    org_id: str
    creator: str
    description: str
    form: TokenForm
    secret_hash: str | None
    created_at: datetime
    expires_at: datetime
    limits: TokenLimits = UNLIMITED
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None
    last_used_from: str = ""


@dataclass(frozen=True, slots=True)
class BrowserSession:
    """Somebody signed in to the console with one browser. Its cookie is stored as a hash."""

    id: str
    user_id: str
    secret_hash: str
    generation: int
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime
    source: str
    browser: str


@dataclass(frozen=True, slots=True)
class PasswordLink:
    """A way to set a password, once, before ``expires_at``. Only its hash is stored; a user has
    one at most."""

    user_id: str
    secret_hash: str
    creator: str
    created_at: datetime
    expires_at: datetime


def parse_email(text: str) -> str:
    """Return an e-mail address in lower case. Raises :class:`InvalidInput`."""
    email = text.strip().lower()
    reserved = email.endswith(SERVICE_DOMAIN)
    if not _EMAIL.fullmatch(email) or len(email) > _MAX_EMAIL or reserved:
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


def service_email(name: str, project_id: str) -> str:
    """Return a service account's address: nobody's mailbox, and unlike any person's.

    Raises :class:`InvalidInput` for a name that is no plain word.
    """
    if not _SERVICE_NAME.fullmatch(name):
        raise InvalidInput(
            f"{name[:80]!r} can't be a service account's name.",
            hint="Use 1 to 60 small letters, digits and hyphens, such as training-jobs.",
            field="name",
        )
    return f"{name}@{project_id}{SERVICE_DOMAIN}"
