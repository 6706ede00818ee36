"""Sessions from STS, one AssumeRole for each distinct credential."""

from __future__ import annotations

import re
from typing import Final

from valetkey.domain.errors import AwsRefused, AwsUnavailable, ValetkeyError
from valetkey.domain.ids import IdFactory
from valetkey.domain.lease import Lease
from valetkey.domain.location import Location
from valetkey.domain.ports import AssumeRole, Clock, Sealer, Sts
from valetkey.services.health import StsSeen
from valetkey.services.integrations import open_loaded
from valetkey.services.vending.orders import Minted
from valetkey.services.vending.warrants import Warrant

#: RoleSessionName takes 64 of these letters; the lease id takes 24 and a hyphen one.
_NOT_IN_SESSION_NAME: Final = re.compile(r"[^\w+=,.@-]", re.ASCII)
_WHO_LENGTH: Final = 39


class Mint:
    """Calls STS."""

    def __init__(
        self,
        sealer: Sealer,
        sts: Sts,
        seen: StsSeen,
        clock: Clock,
        new_id: IdFactory,
    ) -> None:
        self._sealer = sealer
        self._sts = sts
        self._seen = seen
        self._clock = clock
        self._new_id = new_id

    async def __call__(self, warrant: Warrant) -> Minted:
        """Return a new session. Raises AwsRefused, AwsUnavailable, SealBroken, Conflict."""
        place, integration = warrant.place, warrant.place.integration
        key = await open_loaded(self._sealer, integration, place.sealed_secret)
        lease_id, issued_at = self._new_id(), self._clock.now()
        holder = warrant.holder
        order = AssumeRole(
            role_arn=integration.role_arn,
            session_name=session_name(holder.email if holder else place.location, lease_id),
            duration=warrant.ttl,
            policy=warrant.policy,
            external_id=integration.external_id,
        )
        try:
            credentials = await self._sts.assume_role(key, order)
            if credentials.expires_at <= self._clock.now():
                raise AwsUnavailable(
                    "STS returned a credential that has already expired.",
                    hint="Compare this machine's clock with the world's (NTP), then ask again.",
                )
        except ValetkeyError as error:
            self._note(error)
            raise
        self._seen.answered()
        lease = Lease(
            id=lease_id,
            org_id=place.project.org_id,
            integration_id=integration.id,
            location_id=place.location.id,
            user_id=holder.user_id if holder else "",
            principal=holder.email if holder else "",
            role_arn=str(integration.role_arn),
            session_name=order.session_name,
            access_key_id=credentials.access_key_id,
            issued_at=issued_at,
            expires_at=credentials.expires_at,
            bucket=warrant.scope.bucket,
            prefixes=warrant.scope.prefixes,
            levels=warrant.scope.levels,
        )
        return Minted(credentials, lease)

    def _note(self, error: ValetkeyError) -> None:
        if isinstance(error, AwsRefused):
            self._seen.answered()
        elif isinstance(error, AwsUnavailable):
            self._seen.failed(self._clock.now(), error.message)


def session_name(whose: str | Location, lease_id: str) -> str:
    """Return a RoleSessionName (at most 64 letters) for CloudTrail: who asked (an e-mail address),
    or which location's users share it, and the lease."""
    who = f"shared-{whose.id}" if isinstance(whose, Location) else whose
    return f"{_NOT_IN_SESSION_NAME.sub('-', who)[:_WHO_LENGTH]}-{lease_id}"
