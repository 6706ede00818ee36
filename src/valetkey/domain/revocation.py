"""Revoking sessions: which of them, and the deny in the role's inline policy that does it.

AWS can't end a session, but it can refuse all that the session asks for: a deny on
``aws:userid`` (the role's id and the session's name) and ``aws:TokenIssueTime``. The policy has a
size limit, so entries are merged and leave when the sessions that they meant have ended. What
still does not fit is widened: first to all sessions of those who end their own or are deleted, then
of those who hold most of what is named, then to everybody's, before a moment.

That moment (``Revocation.before``) comes after the newest session that could have left: while a
revocation is carried out, a :class:`Hold` has new sessions of its target refused, and what was
vended before the hold is on record with the time of its issue.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from valetkey.domain.credentials import MAX_TTL, require_aware
from valetkey.domain.lease import LeaseClaim

#: IAM's quota for all inline policies of a role together; white space is not counted.
MOST_CHARACTERS: Final = 10_240
#: Other inline policies of the role may be there too: this much is left to them.
ROOM_FOR_OTHERS: Final = 2_048
_ROOM: Final = MOST_CHARACTERS - ROOM_FOR_OTHERS
#: Of that, who does not manage integrations may fill so much with what they end.
_SHARE: Final = 3_584
#: And however many of them there are, they leave so much to an owner.
_FOR_OWNERS: Final = 1_024
#: AWS's clock and ours may differ. A session's name is its own, so reaching too far is harmless.
_SKEW: Final = timedelta(minutes=5)
#: So many sessions may be named one by one; of more, not all would fit into the policy.
MOST_NAMES: Final = 100
#: Shorter than what a session's name has of an address, so that nobody else's begins with it.
_PLAIN_NAME: Final = re.compile(r"[\w+=,.@-]{2,38}", re.ASCII)
#: As long as a lease's id, which ends each session's name.
_ANY_LEASE: Final = "?" * 24
#: What a session's name has of a service account's address, if nobody else's begins with that.
_ACCOUNT: Final = re.compile(r"[a-z0-9-]+@[0-9a-f]{24}(\..*)?")
#: One session's pattern: whose it is, as its name says, and the lease's id.
_NAMED: Final = re.compile(r"\*:(?P<holder>.+)-(?P<lease>[0-9a-f]{24})")


class Kind(StrEnum):
    """What a revocation or a block is about."""

    LEASE = "lease"
    PRINCIPAL = "principal"
    LOCATION = "location"
    INTEGRATION = "integration"
    TOKEN = "token"  # noqa: S105  # a word
    SERVICE_ACCOUNT = "service_account"


class RevocationState(StrEnum):
    """``pending``: AWS has not confirmed the deny yet; ``enforced``: it stands; ``over``: the
    sessions have ended by themselves, and the deny was taken out."""

    PENDING = "pending"
    ENFORCED = "enforced"
    OVER = "over"


@dataclass(frozen=True, slots=True)
class Revocation:
    """Sessions of one role that are revoked.

    ``sessions`` are patterns of ``aws:userid``; empty means every session. ``before`` is until
    when a session must have been issued to be meant; at ``until`` all of those have ended.
    ``widened``: for want of room it reaches other sessions too that were issued by then, of those
    who held some of it or of everybody on the role.
    """

    id: str
    org_id: str
    integration_id: str
    role_arn: str
    kind: Kind
    target: str
    sessions: tuple[str, ...]
    before: datetime
    until: datetime
    state: RevocationState
    reason: str
    actor: str
    created_at: datetime
    problem: str = ""
    proof: str = ""
    widened: bool = False

    def __post_init__(self) -> None:
        require_aware(self.before)
        require_aware(self.until)

    @property
    def is_wide(self) -> bool:
        return not self.sessions

    @property
    def is_by_time(self) -> bool:
        """Tell whether sessions that are made later are told apart by their time alone."""
        return self.is_wide or any(_ANY_LEASE in name for name in self.sessions)


@dataclass(frozen=True, slots=True)
class Block:
    """Whom, or through what, no new session is given."""

    id: str
    org_id: str
    kind: Kind
    target: str
    reason: str
    actor: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Hold:
    """Whom, or through what, no new session is given while a revocation is carried out, and at
    most until a moment: what would be vended meanwhile might neither be refused nor denied."""

    id: str
    org_id: str
    kind: Kind
    target: str
    until: datetime

    def __post_init__(self) -> None:
        require_aware(self.until)


#: What a new session is about: pairs that blocks and holds may name.
About = AbstractSet[tuple[Kind, str]]


def find_block(blocks: Sequence[Block], about: About) -> Block | None:
    """Return the block that stands before a new session, if one does."""
    return next((block for block in blocks if (block.kind, block.target) in about), None)


def find_hold(holds: Sequence[Hold], about: About, now: datetime) -> Hold | None:
    """Return the hold that stands before a new session, if one does."""
    return next(
        (hold for hold in holds if hold.until > now and (hold.kind, hold.target) in about), None
    )


@dataclass(frozen=True, slots=True)
class SessionSelection:
    """The sessions of one role that a revocation means, as far as AWS can tell them apart."""

    sessions: tuple[str, ...]
    before: datetime
    until: datetime
    widened: bool = False


def session_pattern(session_name: str) -> str:
    """Return the pattern of one session's ``aws:userid``; the role's id before it is any."""
    return f"*:{session_name}"


def _holder_pattern(holder: str) -> str:
    """Return the pattern of all sessions that are a holder's by their names."""
    return session_pattern(f"{holder}-{_ANY_LEASE}")


def has_pattern(kind: Kind, target: str) -> bool:
    """Tell whether one pattern means all sessions of a target, those too that nobody knows of."""
    return kind is Kind.PRINCIPAL and _PLAIN_NAME.fullmatch(target) is not None


def after(moment: datetime) -> datetime:
    """Return the first moment that a deny by time tells from this one: AWS counts whole seconds."""
    return moment.replace(microsecond=0) + timedelta(seconds=1)


def select_sessions(
    kind: Kind, target: str, claim: LeaseClaim | None, now: datetime
) -> SessionSelection:
    """Say how the sessions are denied that a revocation claimed, all of one role.

    An integration is every session before now. A person is a pattern of names where that is
    possible, and otherwise, as everything else, the names of the sessions one by one. Of too many
    to be named, it is every session of the role up to the newest of them.
    """
    before = after(max(now, claim.newest) if claim else now)
    if kind is Kind.INTEGRATION or claim is None:
        return SessionSelection((), before, before + MAX_TTL)
    if claim.names is None:
        found = _NAMED.fullmatch(session_pattern(claim.sample.session_name))
        if kind is Kind.SERVICE_ACCOUNT and not claim.shared_at and found:
            # Its name does not change, so that all of them begin with it.
            pattern = _holder_pattern(found["holder"])
            is_cut = not _ACCOUNT.fullmatch(found["holder"])  # another's may begin alike
            return SessionSelection((pattern,), before, before + MAX_TTL, widened=is_cut)
        return SessionSelection((), before, before + MAX_TTL, widened=True)
    names = sorted(session_pattern(name) for name in claim.names)
    if has_pattern(kind, target):
        pattern = _holder_pattern(target)
        return SessionSelection((pattern, *names), before, before + MAX_TTL)
    return SessionSelection(tuple(names), before, claim.ends + _SKEW)


@dataclass(frozen=True, slots=True)
class DenyPolicy:
    """What is to stand in the role's inline policy. ``widened`` are the ids of revocations that
    reach further than they were meant to, for want of room; ``everybody``: to all of the role."""

    document: Mapping[str, Any] | None
    widened: frozenset[str]
    everybody: bool = False

    @property
    def text(self) -> str:
        """The document as compact JSON; empty when nothing is denied."""
        return _compact(self.document)


def has_room(standing: Sequence[Revocation], new: Revocation) -> bool:
    """Tell whether a revocation fits beside those that stand without ending others' sessions, and
    leaves others, and owners, their room: for whoever may end no more than what is theirs."""
    own = [each for each in standing if each.actor == new.actor]
    return not (
        new.is_wide
        or new.widened
        or not _fits([*own, new], _SHARE)
        or not _fits([*standing, new], _ROOM - _FOR_OWNERS)
    )


def _fits(revocations: Sequence[Revocation], limit: int) -> bool:
    """Tell whether so much room holds a deny that reaches no session of somebody else."""
    wide, narrow = _parts(revocations)
    own = _own_holders(narrow)
    return any(
        _size(_document(wide, each)) <= limit
        for each in (narrow, [_by_holder(each, own) for each in narrow])
    )


def _parts(revocations: Sequence[Revocation]) -> tuple[datetime | None, list[Revocation]]:
    """Return until when every session is denied, and what that does not cover."""
    wide = max((each.before for each in revocations if each.is_wide), default=None)
    narrow = [e for e in revocations if not e.is_wide and not (wide and e.before <= wide)]
    return wide, narrow


def render(revocations: Sequence[Revocation], *, limit: int = _ROOM) -> DenyPolicy:
    """Return the smallest policy that denies what the revocations of one role mean.

    What the widest covers is not repeated; sessions are listed together. Where that does not fit,
    those who ended their own are denied by their names, up to the newest that is meant; then those
    who hold most of the sessions that are named; and where that does not fit, everybody is.
    """
    wide, narrow = _parts(revocations)
    widened = frozenset(each.id for each in revocations if each.widened and each.is_by_time)
    document = _document(wide, narrow)
    if _size(document) <= limit:
        return DenyPolicy(document, widened)
    for merged in _merging(narrow, _own_holders(narrow)):
        by_holder = [_by_holder(each, merged) for each in narrow]
        document = _document(wide, by_holder)
        if _size(document) <= limit:
            more = (
                after.id for each, after in zip(narrow, by_holder, strict=True) if after != each
            )
            return DenyPolicy(document, widened.union(more))
    latest = max(each.before for each in revocations)
    everybody = widened | {each.id for each in narrow}
    return DenyPolicy(_document(latest, ()), everybody, everybody=True)


def _own_holders(narrow: Sequence[Revocation]) -> frozenset[str]:
    """Return those who ended sessions of their own, and the service accounts that are ended, whose
    names nobody else's begin with."""
    own = set()
    for each in narrow:
        holders = {found["holder"] for name in each.sessions if (found := _NAMED.fullmatch(name))}
        if each.kind is Kind.SERVICE_ACCOUNT:
            own |= {holder for holder in holders if _ACCOUNT.fullmatch(holder)}
        own |= {each.actor} & {holder for holder in holders if _PLAIN_NAME.fullmatch(holder)}
    return frozenset(own)


def _merging(narrow: Sequence[Revocation], own: frozenset[str]) -> Iterator[frozenset[str]]:
    """Yield more and more holders: ``own``, then those of whom most sessions are named. They
    double, so that thousands are soon tried."""
    names = {name for each in narrow for name in each.sessions}
    held = Counter(found["holder"] for name in names if (found := _NAMED.fullmatch(name)))
    often = sorted(held.keys() - own, key=lambda holder: (-held[holder], holder))
    yield own
    count = 1
    while count < 2 * len(often):
        yield own.union(often[:count])
        count *= 2


def _by_holder(revocation: Revocation, holders: AbstractSet[str]) -> Revocation:
    """Return a revocation that means all sessions of these holders instead of single ones."""
    named = [(name, _NAMED.fullmatch(name)) for name in revocation.sessions]
    sessions = dict.fromkeys(
        _holder_pattern(found["holder"]) if found and found["holder"] in holders else name
        for name, found in named
    )
    return replace(revocation, sessions=tuple(sessions))


def _document(wide: datetime | None, narrow: Sequence[Revocation]) -> dict[str, Any] | None:
    statements: list[dict[str, Any]] = []
    if wide is not None:
        statements.append(_deny(wide))
    exact: set[str] = set()
    patterns: dict[str, datetime] = {}
    for each in narrow:
        for name in each.sessions:
            if _ANY_LEASE in name:
                patterns[name] = max(each.before, patterns.get(name, each.before))
            else:
                exact.add(_shortest(name))
    if exact:
        # Exact names may reach into the future, for the clocks: nobody else will have them.
        statements.append(_deny(max(each.before for each in narrow) + _SKEW, sorted(exact)))
    by_moment: dict[datetime, list[str]] = {}
    for name, before in sorted(patterns.items()):
        by_moment.setdefault(before, []).append(name)
    statements += [_deny(before, names) for before, names in sorted(by_moment.items())]
    return {"Version": "2012-10-17", "Statement": statements} if statements else None


def _shortest(name: str) -> str:
    """Return the shortest pattern of one session: no two have a lease's id."""
    return f"*-{found['lease']}" if (found := _NAMED.fullmatch(name)) else name


def _deny(before: datetime, names: Sequence[str] = ()) -> dict[str, Any]:
    stamp = before.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    condition: dict[str, Any] = {"DateLessThan": {"aws:TokenIssueTime": stamp}}
    if names:
        condition["StringLike"] = {"aws:userid": list(names)}
    return {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": condition}


def _size(document: Mapping[str, Any] | None) -> int:
    return len(_compact(document))


def _compact(document: Mapping[str, Any] | None) -> str:
    return json.dumps(document, separators=(",", ":")) if document else ""
