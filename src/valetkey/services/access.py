"""The one way to an entity: :meth:`Access.reading` and :meth:`Access.changing`.

A verb of a service is its rule and nothing else. What every verb must do stands here, in one
transaction: lock and load the entity, read the caller's rights of this moment, decide, hand over,
store only if nobody else stored meanwhile, record, and tell every cache. A refusal is recorded
under the verb's own name. Calls to AWS never run inside: what they found is applied in a
``changing`` that looks again.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from valetkey.domain.access import Action, Deny, Principal, decide, require
from valetkey.domain.errors import VersionMismatch
from valetkey.domain.ids import is_id
from valetkey.domain.ports import UnitOfWork
from valetkey.identity.authentication import principal_now
from valetkey.services.audit import AuditLog, Caller
from valetkey.services.lookup import missing

E = TypeVar("E")
W = TypeVar("W", bound=UnitOfWork)
W_co = TypeVar("W_co", bound=UnitOfWork, covariant=True)


class Transactions(Protocol[W_co]):
    """A storage, with whichever tables its transactions have."""

    def begin(self) -> AbstractAsyncContextManager[W_co]: ...
    def read(self) -> AbstractAsyncContextManager[W_co]: ...


class Verb(NamedTuple):
    """What is done, in the audit trail's words (``location.update``), and the right it needs."""

    name: str
    action: Action


class Home(NamedTuple):
    """Where an entity belongs: whose rules decide about it."""

    org_id: str
    project_id: str = ""


@dataclass(frozen=True, slots=True)
class Noun(Generic[E]):
    """A kind of entity: how it is found, locked, stored, and what is told of it.

    ``load`` returns None for what is not there; ``save`` raises VersionMismatch when the stored
    version is not the one that was read (it stores nothing where an entity is never changed, or
    what changes it has its own way); ``tags`` are forgotten by all caches after a change;
    ``facts`` go into the audit record of every change.
    """

    name: str
    load: Callable[[Any, str], Awaitable[E | None]]
    home: Callable[[Any, E], Awaitable[Home]]
    save: Callable[[Any, E], Awaitable[E]] = field(default=lambda _, entity: _as_it_is(entity))
    tags: Callable[[E], Iterable[str]] = field(default=lambda _: ())
    facts: Callable[[E], dict[str, Any]] = field(default=lambda _: {})


async def _as_it_is(entity: E) -> E:
    return entity


class _Refused(Exception):  # what happened
    """Ends a transaction, and is recorded outside of it."""

    def __init__(self, home: Home, refusal: Deny) -> None:
        super().__init__(refusal.reason)
        self.home = home
        self.refusal = refusal


@dataclass(slots=True)
class Reading(Generic[E, W]):
    """An entity that may be read, and the transaction that it was read in."""

    entity: E
    home: Home
    work: W


@dataclass(slots=True)
class Change(Generic[E, W]):
    """An entity that may be changed: assign ``entity``, or use ``work`` for what belongs to it.

    What changes nothing is not recorded; a verb whose effect is not in the entity itself says what
    it did with :meth:`note`. ``caller`` has the rights of this transaction.
    """

    entity: E
    home: Home
    work: W
    caller: Caller
    #: What the record is about; empty is the entity itself.
    subject: str = ""
    facts: dict[str, Any] = field(default_factory=dict)
    is_noted: bool = False
    tags: set[str] = field(default_factory=set)

    def require(self, action: Action, why: str = "") -> None:
        """Go on only if the caller has another right too; ``why`` it takes that is told with a
        refusal. Raises Denied, which is recorded."""
        principal, home = self.caller.principal, self.home
        decision = decide(principal, action, org_id=home.org_id, project_id=home.project_id)
        if isinstance(decision, Deny):
            raise _Refused(home, replace(decision, reason=f"{why} {decision.reason}".strip()))

    def note(self, subject: str = "", **facts: Any) -> None:
        """Have the verb recorded, although the entity itself may be as it was."""
        self.is_noted = True
        self.subject = subject or self.subject
        self.facts |= facts

    def publish(self, tags: Iterable[str]) -> None:
        """Have every cache forget what carries these tags, once this is committed."""
        self.tags.update(tags)


class Access(Generic[W]):
    """Opens entities for services."""

    def __init__(self, storage: Transactions[W], audit: AuditLog) -> None:
        self._storage = storage
        self._audit = audit

    async def require(
        self, caller: Caller, verb: Verb, noun: Noun[E], entity_id: str, *, subject: str = ""
    ) -> E:
        """See that a caller may do a verb, before work that is not for everybody; return what it
        is about. Whoever changes something looks again. Raises NotFound, Denied."""
        async with self.reading(caller, verb, noun, entity_id, subject=subject) as read:
            return read.entity

    @asynccontextmanager
    async def reading(
        self, caller: Caller, verb: Verb, noun: Noun[E], entity_id: str, *, subject: str = ""
    ) -> AsyncIterator[Reading[E, W]]:
        """Read an entity and what belongs to it. ``subject`` is what a refusal's record names, if
        not the entity. Raises NotFound, Denied."""
        try:
            async with self._storage.read() as work:
                entity, home = await _load(work, noun, entity_id)
                _permit(caller.principal, verb.action, noun, entity_id, home)
                yield Reading(entity, home, work)
        except _Refused as refused:
            await self._record(caller, verb, subject or f"{noun.name}:{entity_id}", refused)
            require(refused.refusal)

    @asynccontextmanager
    async def changing(
        self, caller: Caller, verb: Verb, noun: Noun[E], entity_id: str, *, subject: str = ""
    ) -> AsyncIterator[Change[E, W]]:
        """Change an entity, or what belongs to it, and nobody else meanwhile. ``subject`` is what
        the record names, if not the entity.

        Raises NotFound, Denied, Unauthenticated (the caller's token or login ended meanwhile),
        VersionMismatch (``caller.expected_version`` is not the stored one), and what storing raises
        (Conflict for a name that is taken).
        """
        try:
            async with self._storage.begin() as work:
                await work.lock(noun.name, entity_id)
                entity, home = await _load(work, noun, entity_id)
                caller = await of_this_moment(work, caller)
                _permit(caller.principal, verb.action, noun, entity_id, home)
                await expect(caller, entity, work)
                change = Change(entity, home, work, caller, subject)
                yield change
                await self._store(change, verb, noun, entity, entity_id)
        except _Refused as refused:
            await self._record(caller, verb, subject or f"{noun.name}:{entity_id}", refused)
            require(refused.refusal)

    async def _store(
        self, change: Change[E, W], verb: Verb, noun: Noun[E], before: E, entity_id: str
    ) -> None:
        work, is_changed = change.work, change.entity != before
        if is_changed:
            change.entity = await noun.save(work, change.entity)
        if is_changed or change.is_noted:
            event = self._audit.event(
                change.caller,
                verb.name,
                change.subject or f"{noun.name}:{entity_id}",
                org_id=change.home.org_id,
                **noun.facts(change.entity) | change.facts,
            )
            await work.audit.append([event])
            change.publish(noun.tags(change.entity))
        await work.invalidations.publish(change.tags)

    async def _record(self, caller: Caller, verb: Verb, subject: str, refused: _Refused) -> None:
        event = self._audit.event(
            caller,
            verb.name,
            subject,
            org_id=refused.home.org_id,
            outcome="denied",
            reason=refused.refusal.reason,
        )
        await self._audit.write(event)


async def of_this_moment(work: UnitOfWork, caller: Caller) -> Caller:
    """Return a caller with the rights that they have within this transaction.

    Raises Unauthenticated when the user is gone, the token was revoked or the sign-in ended.
    Valetkey's own work (an empty user id) has the rights that it was given.
    """
    if not caller.principal.user_id:
        return caller
    return caller._replace(principal=await principal_now(work, caller.principal))


async def _load(work: UnitOfWork, noun: Noun[E], entity_id: str) -> tuple[E, Home]:
    entity = await noun.load(work, entity_id) if is_id(entity_id) else None
    if entity is None:
        raise missing(f"{noun.name}:{entity_id[:80]}")
    return entity, await noun.home(work, entity)


def _permit(
    principal: Principal, action: Action, noun: Noun[Any], entity_id: str, home: Home
) -> None:
    """Let whoever may pass. Raises _Refused, and NotFound to somebody outside the organisation, who
    is not to learn what exists in it."""
    if home.org_id not in principal.org_roles:
        raise missing(f"{noun.name}:{entity_id}")
    decision = decide(principal, action, org_id=home.org_id, project_id=home.project_id)
    if isinstance(decision, Deny):
        raise _Refused(home, decision)


async def expect(caller: Caller, entity: object, work: UnitOfWork) -> None:
    """Go on only if what is to be changed is still what the caller means. Raises
    VersionMismatch."""
    if caller.expectation is not None:
        await caller.expectation(work)
    wanted, found = caller.expected_version, getattr(entity, "version", None)
    if wanted is not None and found is not None and wanted != found:
        raise VersionMismatch(
            "It was changed since you read it.",
            hint="Read it again, and decide on what it is now.",
            version=found,
        )
