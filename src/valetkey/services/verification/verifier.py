"""The whole report: the integration first, then each location on it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable

from valetkey.domain.credentials import AccessKey
from valetkey.domain.diagnosis import Names
from valetkey.domain.ids import IdFactory
from valetkey.domain.integration import Integration
from valetkey.domain.location import Location
from valetkey.domain.ports import Clock, ObjectStore, Sts
from valetkey.domain.role_arn import RoleArn
from valetkey.domain.verification import Check, Report
from valetkey.services.verification.checklist import Checklist, OnCheck, ignore_check
from valetkey.services.verification.identity import IdentityChecks
from valetkey.services.verification.locations import LocationChecks
from valetkey.services.verification.sessions import KeyOpener, Opener, RoleOpener

#: Asks whether Valetkey has a right that is needed later, if at all.
Right = Callable[[Integration, AccessKey], Awaitable[Check]]


class Verifier:
    """Verifies integrations and locations by using them. Never raises for what AWS says.

    ``on_check`` hears of each check as soon as it is known. ``origin`` is the address that browsers
    know this server by (``https://valetkey.example.com``; empty: it is not known).
    ``later`` are rights that are not needed to vend; they are asked for once the rest holds.
    """

    def __init__(
        self,
        sts: Sts,
        stores: ObjectStore,
        clock: Clock,
        new_id: IdFactory,
        *,
        origin: str = "",
        later: Iterable[Right] = (),
    ) -> None:
        self._sts = sts
        self._stores = stores
        self._clock = clock
        self._identity = IdentityChecks(sts, clock)
        self._locations = LocationChecks(stores, new_id, origin)
        self._later = tuple(later)

    async def verify(
        self,
        integration: Integration,
        key: AccessKey,
        locations: Iterable[Location],
        on_check: OnCheck = ignore_check,
    ) -> Report:
        """Check the key, the role, each location through it, and the rights needed later."""
        report = await self._verify(integration, key, locations, on_check)
        checks = list(report.checks)
        for right in self._later if report.passed else ():
            checks.append(await right(integration, key))
            on_check(checks[-1])
        return Report(tuple(checks))

    async def _verify(
        self,
        integration: Integration,
        key: AccessKey,
        locations: Iterable[Location],
        on_check: OnCheck,
    ) -> Report:
        first = Checklist(self._clock, on_check)
        reach = await self._identity.run(first, integration, key)
        checks = list(first.checks)
        opener = RoleOpener(self._sts, integration, key, reach.whole)
        for location in locations:
            part = Checklist(self._clock, on_check, subject=location.name)
            part.stopped = first.stopped
            await self._locations.run(part, location, opener, reach.names)
            checks.extend(part.checks)
        return Report(tuple(checks))

    async def test(
        self,
        integration: Integration,
        key: AccessKey,
        location: Location,
        on_check: OnCheck = ignore_check,
    ) -> Report:
        """Check one location, and what it stands on."""
        return await self._verify(integration, key, [location], on_check)

    async def verify_static(
        self, key: AccessKey, locations: Iterable[Location], on_check: OnCheck = ignore_check
    ) -> Report:
        """Check locations that are used with a key as it is."""
        reports = [await self.test_static(key, location, on_check) for location in locations]
        return Report(tuple(check for report in reports for check in report.checks))

    async def test_static(
        self, key: AccessKey, location: Location, on_check: OnCheck = ignore_check
    ) -> Report:
        """Check one location that is used with a key as it is."""
        checks = Checklist(self._clock, on_check, subject=location.name)
        opener: Opener = KeyOpener(key)
        await self._locations.run(checks, location, opener, Names(RoleArn.parse_optional("")))
        return Report(tuple(checks.checks))

    async def check_endpoint(self, endpoint: str) -> str:
        """Return a store's own endpoint in its normal form. Raises InvalidInput."""
        return await self._stores.check_endpoint(endpoint)
