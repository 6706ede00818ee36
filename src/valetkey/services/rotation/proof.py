"""Proving a new access key by using it, until all of AWS knows it."""

from __future__ import annotations

import json
from typing import Final

from valetkey.domain.credentials import MIN_TTL, AccessKey
from valetkey.domain.errors import AwsRefused
from valetkey.domain.integration import Integration
from valetkey.domain.ports import AssumeRole, Clock, Sts
from valetkey.domain.rotation import PROOFS, Rotation
from valetkey.services.work import HeldLease

#: What the proof's sessions may do: nothing.
_NOTHING: Final = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]},
    separators=(",", ":"),
)
_SESSION: Final = "valetkey-rotation"
_BETWEEN_PROOFS: Final = 1.0
_FIRST_DELAY: Final = 1.0
_LONGEST_DELAY: Final = 15.0


class KeyProver:
    """Uses a key as vending does: GetCallerIdentity, AssumeRole."""

    def __init__(self, sts: Sts, clock: Clock) -> None:
        self._sts = sts
        self._clock = clock

    async def prove(
        self, rotation: Rotation, key: AccessKey, integration: Integration, hold: HeldLease
    ) -> str:
        """Return an empty string once the key was accepted several times in a row, or why it was
        given up. Raises AwsUnavailable (which says nothing about the key), Locked."""
        accepted, delay = 0, _FIRST_DELAY
        while True:
            try:
                await self._use(rotation, key, integration)
            except AwsRefused as error:
                if rotation.gives_up(self._clock.now()):
                    return error.message
                accepted, pause, delay = 0, delay, min(2 * delay, _LONGEST_DELAY)
            else:
                accepted, pause = accepted + 1, _BETWEEN_PROOFS
                if accepted == PROOFS:
                    return ""
            await self._clock.sleep(pause)
            await hold.keep()

    async def _use(self, rotation: Rotation, key: AccessKey, integration: Integration) -> None:
        who = await self._sts.caller_identity(key, partition=integration.role_arn.partition)
        if who.arn != rotation.user_arn:
            raise AwsRefused(
                f"The new key belongs to {who.arn}, not to {rotation.user_arn}.",
                hint="See what stands between Valetkey and AWS.",
            )
        order = AssumeRole(
            integration.role_arn,
            _SESSION,
            MIN_TTL,
            policy=_NOTHING,
            external_id=integration.external_id,
        )
        await self._sts.assume_role(key, order)
