"""Asking AWS whether an integration and its drivers really work: a report of positive claims."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from typing import Final

from valetkey.domain.credentials import MIN_TTL, AccessKey, TemporaryCredentials
from valetkey.domain.driver import Driver
from valetkey.domain.errors import AwsRefused, AwsUnavailable
from valetkey.domain.ids import IdFactory
from valetkey.domain.integration import Integration
from valetkey.domain.ports import AssumeRole, BucketPlace, Clock, ObjectStore, ObjectStores, Sts
from valetkey.domain.scope import AccessLevel, Scope
from valetkey.domain.session_policy import render
from valetkey.domain.verification import Check, Outcome, Report

SESSION_NAME: Final = "valetkey-verify"
_PROBE: Final = ".valetkey-probe-"
_BODY: Final = b"Written by Valetkey to see whether it may write here; safe to delete.\n"


class Checklist:
    """Runs checks in order, timing each; those after a failed one are skipped."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.checks: list[Check] = []

    @property
    def open(self) -> bool:
        """Tell whether every check so far has passed."""
        return all(check.outcome is Outcome.PASSED for check in self.checks)

    async def check(self, name: str, claim: str, probe: Callable[[], Awaitable[None]]) -> bool:
        """Try one claim; ``probe`` raises AwsRefused where it does not hold."""
        if not self.open:
            self.skip(name, claim, "an earlier check did not pass")
            return False
        started = self._clock.monotonic()
        outcome, cause, fix, aws_error = Outcome.PASSED, "", "", ""
        try:
            await probe()
        except (AwsRefused, AwsUnavailable) as error:
            refused = isinstance(error, AwsRefused)
            outcome = Outcome.FAILED if refused else Outcome.UNKNOWN
            cause, fix, aws_error = error.message, error.hint, _aws_words(error)
        seconds = self._clock.monotonic() - started
        self.checks.append(Check(name, claim, outcome, cause, fix, aws_error, seconds))
        return outcome is Outcome.PASSED

    def skip(self, name: str, claim: str, why: str) -> None:
        """Say that a claim was not tried, and why."""
        self.checks.append(Check(name, claim, Outcome.SKIPPED, cause=why))


def _aws_words(error: AwsRefused | AwsUnavailable) -> str:
    code, text = error.details.get("aws_code", ""), error.details.get("aws_message", "")
    return ": ".join(part for part in (code, text) if part)


class Verifier:
    """Verifies integrations and drivers by using them."""

    def __init__(self, sts: Sts, stores: ObjectStores, clock: Clock, new_id: IdFactory) -> None:
        self._sts = sts
        self._stores = stores
        self._clock = clock
        self._new_id = new_id

    async def verify(
        self, integration: Integration, key: AccessKey, drivers: Iterable[Driver]
    ) -> Report:
        """Check the key, the role, and each driver through it. Never raises for what AWS says."""
        first = Checklist(self._clock)
        await self._check_key(first, key)
        await self._check_role(first, integration, key)
        checks = list(first.checks)
        for driver in drivers:
            part = await self._driver_checks(integration, key, driver, reachable=first.open)
            checks.extend(part)
        return Report(tuple(checks))

    async def verify_static(self, key: AccessKey, drivers: Iterable[Driver]) -> Report:
        """Check drivers that are used with a key as it is. Never raises for what the store says."""
        reports = [await self.test_static(key, driver) for driver in drivers]
        return Report(tuple(check for report in reports for check in report.checks))

    async def test_static(self, key: AccessKey, driver: Driver) -> Report:
        """Check one driver: list, write, read, delete under its prefix, with a key as it is."""
        checks = Checklist(self._clock)
        store = self._stores.open(key, place_of(driver))
        await self._probe_under(checks, store, driver, f"s3://{driver.bucket}/{driver.prefix}")
        return Report(tuple(checks.checks))

    async def check_endpoint(self, endpoint: str) -> str:
        """Return a store's own endpoint in its normal form. Raises InvalidInput."""
        return await self._stores.check_endpoint(endpoint)

    async def test(self, integration: Integration, key: AccessKey, driver: Driver) -> Report:
        """Check one driver: its role, and list, write, read, delete under its prefix."""
        first = Checklist(self._clock)
        await self._check_role(first, integration, key)
        part = await self._driver_checks(integration, key, driver, reachable=first.open)
        return Report((*first.checks, *part))

    async def _check_key(self, checks: Checklist, key: AccessKey) -> None:
        async def probe() -> None:
            await self._sts.caller_identity(key)

        await checks.check("key", "AWS knows the access key, and the secret is right.", probe)

    async def _check_role(
        self, checks: Checklist, integration: Integration, key: AccessKey
    ) -> None:
        async def probe() -> None:
            await self._sts.assume_role(key, _order(integration, policy=None))

        who = "This server" if integration.external_id else "The user"
        await checks.check("role", f"{who} may assume {integration.role_arn}.", probe)
        if integration.external_id:
            await self._check_external_id(checks, integration, key)

    async def _check_external_id(
        self, checks: Checklist, integration: Integration, key: AccessKey
    ) -> None:
        """See that the role is refused without the external id: otherwise other users of this
        server could have it assumed for them (the confused deputy)."""

        async def probe() -> None:
            order = replace(_order(integration, policy=None), external_id="")
            try:
                await self._sts.assume_role(key, order)
            except AwsRefused:
                return
            raise AwsRefused(
                "The role lets itself be assumed without the external id.",
                hint="Add the condition StringEquals sts:ExternalId = "
                f"{integration.external_id} to its trust policy.",
            )

        await checks.check("external id", "It is refused without the external id.", probe)

    async def _driver_checks(
        self, integration: Integration, key: AccessKey, driver: Driver, *, reachable: bool
    ) -> list[Check]:
        checks = Checklist(self._clock)
        where = f"s3://{driver.bucket}/{driver.prefix}"
        if not reachable:
            checks.skip(f"driver {driver.name}", f"{where} opens.", "the role was not assumed")
            return checks.checks
        store = await self._open(checks, integration, key, driver, where)
        if store is not None:
            await self._probe_objects(checks, store, driver, where)
        return checks.checks

    async def _open(
        self,
        checks: Checklist,
        integration: Integration,
        key: AccessKey,
        driver: Driver,
        where: str,
    ) -> ObjectStore | None:
        sessions: list[TemporaryCredentials] = []
        scope = Scope(driver.bucket, (driver.prefix,), frozenset(AccessLevel))
        policy = render(scope, partition=integration.role_arn.partition)

        async def probe() -> None:
            sessions.append(await self._sts.assume_role(key, _order(integration, policy=policy)))

        name = f"session {driver.name}"
        if not await checks.check(name, f"A session confined to {where} is given.", probe):
            return None
        return self._stores.open(sessions[0], place_of(driver))

    async def _probe_objects(
        self, checks: Checklist, store: ObjectStore, driver: Driver, where: str
    ) -> None:
        await self._probe_under(checks, store, driver, where)
        await self._probe_outside(checks, store, driver)

    async def _probe_under(
        self, checks: Checklist, store: ObjectStore, driver: Driver, where: str
    ) -> None:
        probe_key = f"{driver.prefix}{_PROBE}{self._new_id()}"

        async def listing() -> None:
            await store.list_some(driver.prefix, limit=1)

        async def write() -> None:
            await store.put(probe_key, _BODY, storage_class=driver.storage_class)

        async def read() -> None:
            if await store.get(probe_key) != _BODY:
                raise AwsRefused(
                    "What was read back is not what was written.",
                    hint="See whether something rewrites objects in this bucket.",
                )

        async def delete() -> None:
            await store.delete(probe_key)

        await checks.check(f"list {driver.name}", f"{where} can be listed.", listing)
        written = await checks.check(
            f"write {driver.name}", f"An object can be written to {where}.", write
        )
        await checks.check(f"read {driver.name}", f"It can be read back from {where}.", read)
        if written:
            # Whatever the reading said: the probe object is not left behind.
            last = Checklist(self._clock)
            claim = f"It can be deleted again ({probe_key})."
            await last.check(f"delete {driver.name}", claim, delete)
            checks.checks.extend(last.checks)

    async def _probe_outside(self, checks: Checklist, store: ObjectStore, driver: Driver) -> None:
        name, claim = f"outside {driver.name}", "The session is refused outside its folder."
        if not driver.prefix:
            checks.skip(name, claim, "the driver has the whole bucket, so there is no outside")
            return

        async def probe() -> None:
            try:
                await store.list_some(f"{_PROBE}outside-{self._new_id()}/", limit=1)
            except AwsRefused:
                return
            raise AwsRefused(
                f"A session confined to {driver.prefix} could list outside it.",
                hint="The store ignores session policies: don't hand out credentials for it.",
            )

        await checks.check(name, claim, probe)


def place_of(driver: Driver) -> BucketPlace:
    """Return where a driver's bucket is."""
    return BucketPlace(driver.bucket, driver.region, driver.endpoint)


def _order(integration: Integration, *, policy: str | None) -> AssumeRole:
    return AssumeRole(
        integration.role_arn,
        SESSION_NAME,
        MIN_TTL,
        policy,
        external_id=integration.external_id,
    )
