"""Putting what is revoked into the role's inline policy, and taking it out again."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from valetkey.domain.errors import AwsRefused, NotFound, ValetkeyError
from valetkey.domain.integration import RoleArn
from valetkey.domain.ports import Clock, RolePolicies, Sealer, Signer, Storage
from valetkey.domain.revocation import DenyPolicy, Revocation, RevocationState, render
from valetkey.services.integrations import open_key
from valetkey.services.work import Hold, WorkLocks

_NO_ROOM: Final = "LimitExceeded"
_DENIED: Final = frozenset({"AccessDenied", "AccessDeniedException"})


@dataclass(frozen=True, slots=True)
class HandPolicy:
    """What somebody with the right can apply by hand: the policy's name and JSON, the command."""

    name: str
    document: str
    command: str


class Enforcer:
    """Makes AWS refuse what the stored revocations of a role mean. Only one process at a time
    writes a role's policy."""

    def __init__(
        self,
        storage: Storage,
        sealer: Sealer,
        policies: RolePolicies,
        locks: WorkLocks,
        clock: Clock,
    ) -> None:
        self._storage = storage
        self._sealer = sealer
        self._policies = policies
        self._locks = locks
        self._clock = clock

    async def enforce(self, role_arn: str, administrator: Signer | None = None) -> None:
        """Bring a role's policy to what is stored; on failure the revocations stay pending, with
        the problem. Raises Locked, StorageUnavailable, and whatever AWS's refusal was."""
        async with self._locks.hold(lock_name(role_arn)) as hold:
            wanted = await self._open(role_arn)
            try:
                done = await self._write(role_arn, wanted, administrator)
            except ValetkeyError as error:
                await self._note(hold, wanted, await self._explained(role_arn, error))
                raise
            await self._confirm(hold, wanted, done)

    async def by_hand(self, role_arn: str) -> HandPolicy:
        """Return what to apply by hand for all that is revoked of a role."""
        name = await self.policy_name()
        text = render(await self._open(role_arn), self._clock.now()).text
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

    async def signer(self, integration_id: str) -> Signer:
        """Return the integration's own key. Raises NotFound, SealBroken."""
        _, key = await open_key(self._storage, self._sealer, integration_id)
        return key

    async def _open(self, role_arn: str) -> Sequence[Revocation]:
        async with self._storage.read() as work:
            return await work.revocations.of_role(role_arn)

    async def _write(
        self, role_arn: str, wanted: Sequence[Revocation], administrator: Signer | None
    ) -> DenyPolicy:
        role, name = RoleArn.parse(role_arn), await self.policy_name()
        signer = administrator or await self._some_signer(wanted)
        policy = render(wanted, self._clock.now())
        try:
            await self._put(signer, role, name, policy)
        except AwsRefused as error:
            if error.details.get("aws_code") != _NO_ROOM:
                raise
            # Other inline policies have taken the room: the widest deny is the shortest.
            policy = render(wanted, self._clock.now(), limit=0)
            await self._put(signer, role, name, policy)
        return policy

    async def _put(self, signer: Signer, role: RoleArn, name: str, policy: DenyPolicy) -> None:
        if policy.document is None:
            await self._policies.delete(signer, role, name)
        elif not await self._stands(signer, role, name, policy.document):
            await self._policies.put(signer, role, name, policy.text)

    async def _stands(
        self, signer: Signer, role: RoleArn, name: str, document: Mapping[str, Any]
    ) -> bool:
        found = await self._policies.get(signer, role, name)
        return found is not None and json.dumps(found, sort_keys=True) == json.dumps(
            document, sort_keys=True
        )

    async def _some_signer(self, wanted: Sequence[Revocation]) -> Signer:
        """Several integrations may stand on one role; one may be gone."""
        for integration_id in sorted({each.integration_id for each in wanted}):
            try:
                return await self.signer(integration_id)
            except NotFound:
                continue
        raise NotFound(
            "The integration is forgotten here, and its key with it.",
            hint="Apply the policy by hand, or wait: the sessions end by themselves.",
        )

    async def _confirm(self, hold: Hold, wanted: Sequence[Revocation], policy: DenyPolicy) -> None:
        now = self._clock.now()
        async with self._storage.begin() as work:
            await hold.renew(work)
            for each in wanted:
                over = each.until <= now
                after = replace(
                    each,
                    state=RevocationState.OVER if over else RevocationState.ENFORCED,
                    problem="",
                    widened=each.id in policy.widened,
                )
                if after != each:
                    await work.revocations.save(after)

    async def _note(self, hold: Hold, wanted: Sequence[Revocation], problem: str) -> None:
        now = self._clock.now()
        async with self._storage.begin() as work:
            await hold.renew(work)
            for each in wanted:
                if each.state is RevocationState.PENDING:
                    over = each.until <= now
                    state = RevocationState.OVER if over else each.state
                    await work.revocations.save(replace(each, problem=problem, state=state))

    async def _explained(self, role_arn: str, error: ValetkeyError) -> str:
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
