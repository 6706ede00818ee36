"""What the checks of a location use: the narrowed sessions that vending would hand out, and the
role's own, to see whether it opens more than the location needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from valetkey.domain.credentials import AccessKey, AwsCredentials, TemporaryCredentials
from valetkey.domain.integration import Integration
from valetkey.domain.location import Location
from valetkey.domain.ports import BucketPlace, Sts
from valetkey.domain.scope import AccessLevel, Extra, Scope
from valetkey.domain.session_policy import render
from valetkey.services.verification.identity import assume_order


class Opener(Protocol):
    """Where credentials for a location come from."""

    @property
    def whole(self) -> TemporaryCredentials | None:
        """The role's own session, or None where there is no role."""
        ...

    @property
    def confines(self) -> bool:
        """Whether credentials can be confined at all; a key that is used as it is can't be."""
        ...

    async def confined(
        self, location: Location, levels: frozenset[AccessLevel], *, more: bool = False
    ) -> AwsCredentials:
        """Return credentials for the location's folder; with ``more``, with all the rights that
        the role may give beyond the levels. Raises AwsRefused, AwsUnavailable."""
        ...


@dataclass(frozen=True, slots=True)
class RoleOpener:
    """Sessions of a role, each narrowed by a session policy."""

    sts: Sts
    integration: Integration
    key: AccessKey
    whole: TemporaryCredentials | None
    confines: bool = True

    async def confined(
        self, location: Location, levels: frozenset[AccessLevel], *, more: bool = False
    ) -> AwsCredentials:
        extras = frozenset(Extra) if more else frozenset()
        policy = render(
            Scope(location.bucket, (location.prefix,), levels, versions=more, extras=extras),
            partition=self.integration.role_arn.partition,
            kms_key_arn=location.kms_key_arn,
        )
        return await self.sts.assume_role(self.key, assume_order(self.integration, policy=policy))


@dataclass(frozen=True, slots=True)
class KeyOpener:
    """A key that is used as it is."""

    key: AccessKey
    whole: TemporaryCredentials | None = None
    confines: bool = False

    async def confined(
        self, location: Location, levels: frozenset[AccessLevel], *, more: bool = False
    ) -> AwsCredentials:
        del location, levels, more
        return self.key


def place_of(location: Location) -> BucketPlace:
    """Return where a location's bucket is."""
    return BucketPlace(location.bucket, location.region, location.endpoint, location.requester_pays)
