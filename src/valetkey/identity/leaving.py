"""Leaving is one act: with a membership ends all that it gave, and what can't be ended is named."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from valetkey.domain.errors import InvalidInput, ValetkeyError
from valetkey.domain.people import User, UserKind
from valetkey.domain.ports import Clock, Storage, UnitOfWork
from valetkey.domain.revocation import Kind, Revocation, RevocationState
from valetkey.domain.tags import user_tag
from valetkey.identity.accounts import end_sign_ins
from valetkey.identity.tokens import ApiTokens, is_good
from valetkey.services.audit import Caller
from valetkey.services.revocation import Leases, Target
from valetkey.services.revocation.targets import own_tags

_REASON: Final = "left the organisation"
_ACCOUNT_REASON: Final = "the service account was deleted"


@dataclass(frozen=True, slots=True)
class Remaining:
    """What lives on: a ``kind`` of thing (``lease``, ``token``), which, until when, and why."""

    kind: str
    id: str
    until: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Departed:
    """What ended with a membership, and what could not be ended. ``leases`` were revoked."""

    user_id: str
    email: str
    tokens: int = 0
    browser_sessions: int = 0
    leases: int = 0
    remaining: tuple[Remaining, ...] = ()


class Leaving:
    """Ends what a membership gave."""

    def __init__(self, storage: Storage, tokens: ApiTokens, leases: Leases, clock: Clock) -> None:
        self._storage = storage
        self._tokens = tokens
        self._leases = leases
        self._clock = clock

    async def end_membership(
        self, work: UnitOfWork, caller: Caller, org_id: str, user: User
    ) -> Departed:
        """End, within a transaction, memberships, grants, groups and tokens of an organisation,
        and sign-ins if somebody belongs to no other one.

        Raises InvalidInput for a service account, which is deleted instead.
        """
        if user.kind is UserKind.SERVICE:
            raise InvalidInput(
                f"{user.email} is a service account.", hint="Delete it in its project."
            )
        for project in await work.projects.of_org(org_id):
            await work.projects.remove_member(project.id, user.id)
            locations = await work.locations.of_project(project.id)
            await work.grants.withdraw(user.id, [location.id for location in locations])
        for group in await work.groups.of_org(org_id):
            await work.groups.remove_member(group.id, user.id)
        await work.organizations.remove_member(org_id, user.id)
        mine = await work.api_tokens.of_user(user.id)
        tokens = [token for token in mine if token.org_id == org_id]
        ended = [await self._tokens.end(work, caller, token) for token in tokens]
        sessions = 0
        if not await work.organizations.memberships(user.id):
            sessions = len(await work.browser_sessions.of_user(user.id))
            await work.known_sources.forget(user.id)
            await end_sign_ins(work, user, "")
        await work.invalidations.publish([user_tag(user.id)])
        return Departed(user.id, user.email, sum(ended), sessions)

    async def end_in_project(
        self, work: UnitOfWork, caller: Caller, project_id: str, user: User
    ) -> int:
        """End, within a transaction, somebody's grants on a project's locations and those of their
        tokens that are limited to these; return how many tokens."""
        locations = await work.locations.of_project(project_id)
        ids = {location.id for location in locations}
        await work.grants.withdraw(user.id, sorted(ids))
        count = 0
        for token in await work.api_tokens.of_user(user.id):
            limits = token.limits.locations
            if limits is not None and limits <= ids:
                count += await self._tokens.end(work, caller, token)
        return count

    async def revoke_leases(self, caller: Caller, org_id: str, left: Departed) -> Departed:
        """Revoke the AWS sessions of somebody who has left, and say what lives on until when.

        Never raises for what AWS refuses: that is what lives on.
        """
        target = await self._leases.target(caller, Kind.PRINCIPAL, left.email, org_id)
        left = await self._revoked(caller, left, target, _REASON)
        known = await self._known_tokens(org_id, left.email, self._clock.now())
        return replace(left, remaining=(*left.remaining, *known))

    async def revoke_of_account(
        self, caller: Caller, org_id: str, account: User, tokens: int
    ) -> Departed:
        """Do the same for a service account that was deleted, and so many tokens with it."""
        kind = Kind.SERVICE_ACCOUNT
        target = Target(kind, account.id, org_id, own_tags(kind, account.id))
        return await self._revoked(
            caller, Departed(account.id, account.email, tokens), target, _ACCOUNT_REASON
        )

    async def _revoked(
        self, caller: Caller, left: Departed, target: Target, reason: str
    ) -> Departed:
        try:
            result = await self._leases.carry_out(caller, target, reason)
        except ValetkeyError as error:
            live = await self._live_leases(target, error.message)
            return replace(left, remaining=tuple(live))
        pending = [_unproven(each) for each in result.revocations if not _is_done(each)]
        return replace(left, leases=result.leases, remaining=tuple(pending))

    async def _live_leases(self, target: Target, reason: str) -> list[Remaining]:
        async with self._storage.read() as work:
            live = await work.leases.find(target.filter(live_at=self._clock.now()))
        return [Remaining("lease", lease.id, lease.expires_at, reason) for lease in live]

    async def _known_tokens(self, org_id: str, email: str, now: datetime) -> list[Remaining]:
        """Return the tokens of service accounts that they made, and have seen."""
        async with self._storage.read() as work:
            tokens = await work.api_tokens.of_org(org_id)
        made = [token for token in tokens if token.creator == email and is_good(token, now)]
        return [
            Remaining("token", token.id, token.expires_at, "They made it for a service account.")
            for token in made
        ]


def _is_done(revocation: Revocation) -> bool:
    return revocation.state is not RevocationState.PENDING


def _unproven(revocation: Revocation) -> Remaining:
    reason = revocation.problem or "AWS has not confirmed the revocation yet; it is tried again."
    return Remaining("revocation", revocation.id, revocation.until, reason)
