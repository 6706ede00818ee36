"""What an organisation's owner gave, in plain sets that know nothing of how services decide."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from valetkey.domain.access import ProjectRole
from valetkey.domain.scope import AccessLevel

#: The bucket, as far as anybody can tell it apart.
KEYS = ("train/a/1", "train/ab/1", "private/a/1", "top")
BUILDERS = {ProjectRole.OWNER, ProjectRole.DEVELOPER}
#: Longer than any session.
NEVER = datetime(9999, 1, 1, tzinfo=UTC)

#: What can be had: a key, and what may be done with it.
Right = tuple[str, AccessLevel]
#: Until when.
Rights = dict[Right, datetime]


def opened(prefix: str, access: frozenset[AccessLevel]) -> set[Right]:
    """What access to a folder opens."""
    return {(key, level) for key in KEYS if key.startswith(prefix) for level in access}


def add(rights: Rights, more: Rights) -> None:
    """Widen what is given, to the later end."""
    for right, end in more.items():
        rights[right] = max(end, rights.get(right, end))


@dataclass
class Known:
    """A location, as whoever made it asked for it."""

    id: str
    project: str
    prefix: str
    access: frozenset[AccessLevel]
    parent: Known | None = None
    maker: str = ""
    ends_at: datetime = NEVER

    @property
    def is_root(self) -> bool:
        return self.parent is None

    def chain(self) -> Iterator[Known]:
        yield self
        if self.parent is not None:
            yield from self.parent.chain()


@dataclass
class Given:
    """A grant. ``person`` may be a group's id."""

    person: str
    place: Known
    rights: set[Right]
    ends_at: datetime


@dataclass
class Token:
    """What somebody can show instead of a password, and at most what it carries. None is all."""

    id: str
    secret: str
    person: str
    places: list[Known] | None
    folder: str
    access: frozenset[AccessLevel] | None
    ends_at: datetime

    @property
    def is_wide(self) -> bool:
        """Tell whether it carries all that its holder may."""
        return self.places is None and not self.folder and self.access is None

    def carries(self) -> set[Right]:
        prefixes = (
            [""] if self.places is None else [each.prefix + self.folder for each in self.places]
        )
        access = frozenset(AccessLevel) if self.access is None else self.access
        return {right for prefix in prefixes for right in opened(prefix, access)}


@dataclass
class Ledger:
    """What was given, and by whom it may be given on."""

    roles: dict[tuple[str, str], ProjectRole] = field(default_factory=dict)
    grants: dict[str, Given] = field(default_factory=dict)
    locations: list[Known] = field(default_factory=list)
    members: set[str] = field(default_factory=set)
    tokens: list[Token] = field(default_factory=list)
    #: Tokens that have ended, and open nothing again.
    ended: list[Token] = field(default_factory=list)
    #: Service accounts by their addresses: their ids and projects.
    accounts: dict[str, tuple[str, str]] = field(default_factory=dict)
    #: Who is in which group.
    groups: dict[str, set[str]] = field(default_factory=dict)

    def subjects(self, person: str) -> set[str]:
        """Whom grants name that are for somebody: them, and their groups."""
        return {person, *(group for group, inside in self.groups.items() if person in inside)}

    def base(self, project: str, now: datetime) -> Rights:
        """What the organisation's owner gave to a project."""
        rights: Rights = {}
        for each in self.locations:
            if each.is_root and each.project == project and each.ends_at > now:
                add(rights, dict.fromkeys(opened(each.prefix, each.access), each.ends_at))
        return rights

    def of(self, person: str, now: datetime) -> Rights:
        """All that somebody may have at this moment, and until when."""
        rights: Rights = {}
        if person not in self.members:
            return rights
        for (project, somebody), role in self.roles.items():
            if somebody == person and role in BUILDERS:
                add(rights, self.base(project, now))
        mine = self.subjects(person)
        for grant in self.grants.values():
            if grant.person in mine and grant.ends_at > now:
                base = self.base(grant.place.project, now)
                both = grant.rights & base.keys()
                add(rights, {right: min(base[right], grant.ends_at) for right in both})
        return rights

    def shown(self, token: Token, now: datetime) -> Rights:
        """All that may be had with a token."""
        if token not in self.tokens or token.ends_at <= now:
            return {}
        rights, carried = self.of(token.person, now), token.carries()
        return {r: min(end, token.ends_at) for r, end in rights.items() if r in carried}

    def owns(self, person: str, project: str) -> bool:
        return person in self.members and self.roles.get((project, person)) is ProjectRole.OWNER

    def forget(self, person: str) -> None:
        self.members.discard(person)
        self.accounts.pop(person, None)
        for inside in self.groups.values():
            inside.discard(person)
        self.roles = {key: role for key, role in self.roles.items() if key[1] != person}
        self.grants = {key: each for key, each in self.grants.items() if each.person != person}
        self.end([each for each in self.tokens if each.person == person])

    def end(self, tokens: Sequence[Token]) -> None:
        """Tokens are revoked."""
        self.ended += tokens
        self.tokens = [each for each in self.tokens if each not in tokens]
