"""The whole report: the integration first, then each driver on it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable

from valetkey.domain.credentials import AccessKey
from valetkey.domain.diagnosis import Names
from valetkey.domain.driver import Driver
from valetkey.domain.ids import IdFactory
from valetkey.domain.integration import Integration, RoleArn
from valetkey.domain.ports import Clock, ObjectStores, Sts
from valetkey.domain.verification import Check, Report
from valetkey.services.verification.checklist import Checklist, Told, nobody
from valetkey.services.verification.drivers import DriverChecks
from valetkey.services.verification.identity import IdentityChecks
from valetkey.services.verification.sessions import KeyOpener, Opener, RoleOpener

#: Asks whether Valetkey has a right that is needed later, if at all.
Right = Callable[[Integration, AccessKey], Awaitable[Check]]


class Verifier:
    """Verifies integrations and drivers by using them. Never raises for what AWS says.

    ``told`` hears of each check as soon as it is known. ``origin`` is the address that browsers
    know this server by (``https://valetkey.example.com``; empty: it is not known).
    ``later`` are rights that are not needed to vend; they are asked for once the rest holds.
    """

    def __init__(
        self,
        sts: Sts,
        stores: ObjectStores,
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
        self._drivers = DriverChecks(stores, new_id, origin)
        self._later = tuple(later)

    async def verify(
        self,
        integration: Integration,
        key: AccessKey,
        drivers: Iterable[Driver],
        told: Told = nobody,
    ) -> Report:
        """Check the key, the role, each driver through it, and the rights needed later."""
        report = await self._verify(integration, key, drivers, told)
        checks = list(report.checks)
        for right in self._later if report.passed else ():
            checks.append(await right(integration, key))
            told(checks[-1])
        return Report(tuple(checks))

    async def _verify(
        self, integration: Integration, key: AccessKey, drivers: Iterable[Driver], told: Told
    ) -> Report:
        first = Checklist(self._clock, told)
        reach = await self._identity.run(first, integration, key)
        checks = list(first.checks)
        opener = RoleOpener(self._sts, integration, key, reach.whole)
        for driver in drivers:
            part = Checklist(self._clock, told, subject=driver.name)
            part.stopped = first.stopped
            await self._drivers.run(part, driver, opener, reach.names)
            checks.extend(part.checks)
        return Report(tuple(checks))

    async def test(
        self, integration: Integration, key: AccessKey, driver: Driver, told: Told = nobody
    ) -> Report:
        """Check one driver, and what it stands on."""
        return await self._verify(integration, key, [driver], told)

    async def verify_static(
        self, key: AccessKey, drivers: Iterable[Driver], told: Told = nobody
    ) -> Report:
        """Check drivers that are used with a key as it is."""
        reports = [await self.test_static(key, driver, told) for driver in drivers]
        return Report(tuple(check for report in reports for check in report.checks))

    async def test_static(self, key: AccessKey, driver: Driver, told: Told = nobody) -> Report:
        """Check one driver that is used with a key as it is."""
        checks = Checklist(self._clock, told, subject=driver.name)
        opener: Opener = KeyOpener(key)
        await self._drivers.run(checks, driver, opener, Names(RoleArn.parse_optional("")))
        return Report(tuple(checks.checks))

    async def check_endpoint(self, endpoint: str) -> str:
        """Return a store's own endpoint in its normal form. Raises InvalidInput."""
        return await self._stores.check_endpoint(endpoint)
