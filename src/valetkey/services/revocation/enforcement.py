"""Putting what is revoked into the role's inline policy, seeing that it stays, and taking it out.

What is stored is what is to stand; what stands is read from AWS each time before anything is
written. Only one process at a time writes a role's policy.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from valetkey.domain.access import Principal
from valetkey.domain.credentials import AccessKey, AwsCredentials
from valetkey.domain.errors import (
    AwsRefused,
    Locked,
    NotFound,
    NotOffered,
    SealBroken,
    ValetkeyError,
)
from valetkey.domain.integration import Integration
from valetkey.domain.ports import Clock, RolePolicies, Sealer, Storage, UnitOfWork
from valetkey.domain.revocation import DenyPolicy, Revocation, RevocationState, render
from valetkey.domain.role_arn import RoleArn
from valetkey.domain.tags import role_tag
from valetkey.services.audit import AuditLog, Caller
from valetkey.services.integrations import open_key
from valetkey.services.work import HeldLease, WorkLocks

_NO_ROOM: Final = "LimitExceeded"
_DENIED: Final = frozenset({"AccessDenied", "AccessDeniedException"})
_UNUSABLE_KEY: Final = _DENIED | {"InvalidClientTokenId", "SignatureDoesNotMatch"}
#: Somebody else is at the role's policy: they are waited for this long.
_PATIENCE: Final = 30.0
#: How often what is believed is compared with what stands at AWS.
_BETWEEN_LOOKS: Final = 300.0
#: A deny stays this much longer than its sessions, by a clock that never jumps: a wall clock that
#: is wrong for a while must not take it out.
_LINGER: Final = 600.0
_WAITING: Final = (
    "Another revocation of this role is being carried out; this one follows it by itself."
)
_DRIFTED: Final = "At AWS the deny was changed or taken out by somebody else. It is put back."

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class HandPolicy:
    """What somebody with the right can apply by hand: the policy's name and JSON, the command."""

    name: str
    document: str
    command: str


class Enforcer:
    """Makes AWS refuse what the stored revocations of a role mean."""

    def __init__(
        self,
        storage: Storage,
        sealer: Sealer,
        policies: RolePolicies,
        audit: AuditLog,
        locks: WorkLocks,
        clock: Clock,
    ) -> None:
        self._storage = storage
        self._sealer = sealer
        self._policies = policies
        self._audit = audit
        self._locks = locks
        self._clock = clock
        self._ended: dict[str, float] = {}
        self._look_at: dict[str, float] = {}

    async def enforce(self, role_arn: str, administrator: AwsCredentials | None = None) -> None:
        """Bring a role's policy to what is stored; on failure the revocations stay pending, with
        the problem. Raises Locked, StorageUnavailable, and whatever AWS's refusal was."""
        try:
            async with self._locks.hold(lock_name(role_arn), patience=_PATIENCE) as hold:
                stored = await self._open(role_arn)
                try:
                    done = await self._write(role_arn, stored, administrator)
                except ValetkeyError as error:
                    await self._note(hold, stored, await self._explained(role_arn, error))
                    raise
                await self._confirm(hold, stored, done)
        except Locked:
            await self._say_waiting(role_arn)
            raise

    async def resume(self) -> None:
        """Try again what is pending, compare what is enforced with what stands at AWS, take out
        what is over. One role's trouble doesn't keep the others waiting."""
        async with self._storage.read() as work:
            unfinished = await work.revocations.unfinished()
        pending = {e.role_arn for e in unfinished if e.state is RevocationState.PENDING}
        over = {each.role_arn for each in unfinished if self._is_over(each)}
        due = {each.role_arn for each in unfinished if self._is_look_due(each.role_arn)}
        await asyncio.gather(*(self._go_on(arn) for arn in sorted(pending | over | due)))

    async def _go_on(self, role_arn: str) -> None:
        self._look_at[role_arn] = self._clock.monotonic() + _BETWEEN_LOOKS
        try:
            await self._look(role_arn)
            await self.enforce(role_arn)
        except ValetkeyError as error:
            # It is kept with the revocations, and tried again.
            _log.info("revocations of a role are enforced later", extra={"reason": error.message})

    async def _look(self, role_arn: str) -> None:
        """See that what is believed to be enforced stands; if not, say so: it is pending again."""
        stored = await self._open(role_arn)
        enforced = [each for each in stored if each.state is RevocationState.ENFORCED]
        if not enforced or any(each.state is RevocationState.PENDING for each in stored):
            return  # nothing is believed, or what stands is being changed
        found = await self._read(role_arn, stored)
        if _covers(found, render(enforced)) or _covers(found, render(enforced, limit=0)):
            return
        async with self._storage.begin() as work:
            for each in await self._unchanged(work, enforced):
                state = RevocationState.PENDING
                await work.revocations.save(replace(each, state=state, problem=_DRIFTED))
            event = self._audit.event(
                Caller(Principal("", "valetkey")),
                "revocation.drift",
                f"role:{role_arn}",
                org_id=enforced[0].org_id,
                outcome="failed",
                reason=_DRIFTED,
                revocations=[each.id for each in enforced],
            )
            await work.audit.append([event])

    async def by_hand(self, role_arn: str) -> HandPolicy:
        """Return what to apply by hand for all that is revoked of a role."""
        name = await self.policy_name()
        text = render(self._standing(await self._open(role_arn))).text
        role = RoleArn.parse(role_arn).name
        return HandPolicy(
            name,
            text,
            f"aws iam put-role-policy --role-name {role} --policy-name {name} "
            f"--policy-document '{text}'",
        )

    async def policy_name(self) -> str:
        """Return the name of this installation's policy on a role: others have their own."""
        async with self._storage.read() as work:
            installation = await work.installations.get()
        return f"valetkey-revocations-{installation.id[-8:]}" if installation else "valetkey"

    async def signer(self, integration_id: str) -> AccessKey:
        """Return the integration's own key. Raises NotFound, SealBroken."""
        _, key = await open_key(self._storage, self._sealer, integration_id)
        return key

    async def integrations_on(self, role_arn: str, org_id: str) -> Sequence[Integration]:
        """Return an organisation's integrations that stand on a role."""
        async with self._storage.read() as work:
            found = await work.integrations.of_org(org_id)
        return [each for each in found if str(each.role_arn) == role_arn]

    async def _open(self, role_arn: str) -> Sequence[Revocation]:
        async with self._storage.read() as work:
            return await work.revocations.of_role(role_arn)

    def _standing(self, stored: Sequence[Revocation]) -> list[Revocation]:
        return [each for each in stored if not self._is_over(each)]

    def _is_over(self, revocation: Revocation) -> bool:
        """Tell whether a revocation's sessions have ended, and were seen to have for a while."""
        if revocation.until > self._clock.now():
            self._ended.pop(revocation.id, None)
            return False
        first = self._ended.setdefault(revocation.id, self._clock.monotonic())
        return self._clock.monotonic() - first >= _LINGER

    def _is_look_due(self, role_arn: str) -> bool:
        return self._clock.monotonic() >= self._look_at.get(role_arn, 0.0)

    async def _write(
        self, role_arn: str, stored: Sequence[Revocation], administrator: AwsCredentials | None
    ) -> DenyPolicy:
        role, name = RoleArn.parse(role_arn), await self.policy_name()
        policy = render(self._standing(stored))
        try:
            await self._put(role_arn, stored, administrator, role, name, policy)
        except AwsRefused as error:
            if error.details.get("aws_code") != _NO_ROOM:
                raise
            # Other inline policies have taken the room: the widest deny is the shortest.
            policy = render(self._standing(stored), limit=0)
            await self._put(role_arn, stored, administrator, role, name, policy)
        return policy

    async def _put(
        self,
        role_arn: str,
        stored: Sequence[Revocation],
        administrator: AwsCredentials | None,
        role: RoleArn,
        name: str,
        policy: DenyPolicy,
    ) -> None:
        async def put(signer: AwsCredentials) -> None:
            if policy.document is None:
                await self._policies.delete(signer, role, name)
            elif not _is(await self._policies.get(signer, role, name), policy.document):
                await self._policies.put(signer, role, name, policy.text)

        if administrator is not None:
            await put(administrator)
            return
        await self._with_some_key(role_arn, stored, put)

    async def _read(self, role_arn: str, stored: Sequence[Revocation]) -> Mapping[str, Any] | None:
        role, name = RoleArn.parse(role_arn), await self.policy_name()
        found: list[Mapping[str, Any] | None] = []

        async def get(signer: AwsCredentials) -> None:
            found.append(await self._policies.get(signer, role, name))

        await self._with_some_key(role_arn, stored, get)
        return found[-1]

    async def _with_some_key(
        self,
        role_arn: str,
        stored: Sequence[Revocation],
        call: Callable[[AwsCredentials], Awaitable[None]],
    ) -> None:
        """Make a call with the key of one integration on the role after another, until one may."""
        refusal: ValetkeyError = NotFound(
            "The integration is forgotten here, and its key with it.",
            hint="Apply the policy by hand, or wait: the sessions end by themselves.",
        )
        known = {each.integration_id for each in stored}
        for org_id in sorted({each.org_id for each in stored}):
            known |= {each.id for each in await self.integrations_on(role_arn, org_id)}
        for integration_id in sorted(known):
            try:
                await call(await self.signer(integration_id))
            except (NotFound, SealBroken) as error:
                if not isinstance(refusal, AwsRefused) and isinstance(error, SealBroken):
                    refusal = error
            except AwsRefused as error:
                if error.details.get("aws_code") not in _UNUSABLE_KEY:
                    raise
                refusal = error
            else:
                return
        raise refusal

    async def _confirm(
        self, hold: HeldLease, stored: Sequence[Revocation], policy: DenyPolicy
    ) -> None:
        now = self._clock.now()
        async with self._storage.begin() as work:
            await hold.renew(work)
            for each in await self._unchanged(work, stored):
                over = self._is_over(each)
                after = replace(
                    each,
                    state=RevocationState.OVER if over else RevocationState.ENFORCED,
                    problem="",
                    widened=each.id in policy.widened,
                )
                if each.state is RevocationState.PENDING:
                    await work.leases.end(each.id, now)
                if after != each:
                    await work.revocations.save(after)
                if over:
                    del self._ended[each.id]
            if policy.widened and stored:
                # Others' sessions of the role are refused as well, whichever integration's.
                await work.invalidations.publish({role_tag(stored[0].role_arn)})

    async def _note(self, hold: HeldLease, stored: Sequence[Revocation], problem: str) -> None:
        async with self._storage.begin() as work:
            await hold.renew(work)
            for each in await self._unchanged(work, stored):
                if each.state is RevocationState.PENDING:
                    over = self._is_over(each)
                    state = RevocationState.OVER if over else each.state
                    await work.revocations.save(replace(each, problem=problem, state=state))

    async def _unchanged(self, work: UnitOfWork, stored: Sequence[Revocation]) -> list[Revocation]:
        """Return those that are stored as they were read, and keep others from changing them: one
        that was to reach further meanwhile is not told yet, and whoever changed it tells AWS."""
        for role_arn in sorted({each.role_arn for each in stored}):
            await work.revocations.lock(role_arn)
        return [each for each in stored if await work.revocations.get(each.id) == each]

    async def _say_waiting(self, role_arn: str) -> None:
        async with self._storage.begin() as work:
            await work.revocations.lock(role_arn)
            for each in await work.revocations.of_role(role_arn):
                if each.state is RevocationState.PENDING and not each.problem:
                    await work.revocations.save(replace(each, problem=_WAITING))

    async def _explained(self, role_arn: str, error: ValetkeyError) -> str:
        if isinstance(error, NotOffered):
            return (
                "The store has no policies within a role, by which sessions are called back "
                f"({error.details.get('operation', '')}): a session is over at its own end. If it "
                "must be over now, delete the role at the store and make it anew."
            )
        if error.details.get("aws_code") not in _DENIED and not isinstance(error, NotFound):
            return f"{error} It is tried again until it goes through."
        return (
            f"Valetkey may not write the role's policy ({error.message}) Grant it (valetkey setup "
            "aws apply --with-revocation), or apply by hand: "
            f"{(await self.by_hand(role_arn)).command}"
        )


def lock_name(role_arn: str) -> str:
    """Return the name of the lease under which a role's policy is written."""
    return f"role:{role_arn}"[:200]


def _is(found: Mapping[str, Any] | None, document: Mapping[str, Any]) -> bool:
    """Tell whether two documents are the same."""
    same = json.dumps(document, sort_keys=True)
    return found is not None and json.dumps(found, sort_keys=True) == same


def _covers(found: Mapping[str, Any] | None, policy: DenyPolicy) -> bool:
    """Tell whether each statement of a policy stands at AWS."""
    if policy.document is None:
        return True
    standing = [json.dumps(each, sort_keys=True) for each in (found or {}).get("Statement", ())]
    wanted = [json.dumps(each, sort_keys=True) for each in policy.document["Statement"]]
    return all(each in standing for each in wanted)
