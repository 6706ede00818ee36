"""Handing out credentials: one decision, one AssumeRole, one durable record, in that order."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from valetkey.domain.access import Action
from valetkey.domain.credentials import DEFAULT_TTL, TemporaryCredentials
from valetkey.domain.driver import Driver
from valetkey.domain.errors import AwsUnavailable, Conflict, ValetkeyError
from valetkey.domain.ids import IdFactory
from valetkey.domain.integration import Integration, IntegrationState
from valetkey.domain.people import Project
from valetkey.domain.ports import AssumeRole, Clock, Sealer, Storage, Sts
from valetkey.domain.scope import AccessLevel, Scope
from valetkey.domain.session_policy import render
from valetkey.services.audit import AuditLog, Caller
from valetkey.services.guard import Guard, load_driver, load_integration, load_project
from valetkey.services.integrations import open_key

#: RoleSessionName takes 64 of these letters; the lease id takes 24 and a hyphen one.
_NOT_IN_SESSION_NAME: Final = re.compile(r"[^\w+=,.@-]", re.ASCII)
_WHO_LENGTH: Final = 39


@dataclass(frozen=True, slots=True)
class VendRequest:
    """What is wanted: folders below the driver's own (``""`` is all of it), levels, time to live.

    No folder at all is refused: absence is never everything.
    """

    prefixes: tuple[str, ...]
    levels: frozenset[AccessLevel]
    ttl: timedelta = DEFAULT_TTL
    purpose: str = ""


@dataclass(frozen=True, slots=True)
class Vended:
    """What was handed out, and under which lease it stands in the audit trail."""

    lease_id: str
    credentials: TemporaryCredentials
    scope: Scope
    driver: Driver


class Vending:
    """Temporary credentials for a driver."""

    def __init__(
        self,
        storage: Storage,
        sealer: Sealer,
        sts: Sts,
        audit: AuditLog,
        clock: Clock,
        new_id: IdFactory,
    ) -> None:
        self._storage = storage
        self._sealer = sealer
        self._sts = sts
        self._audit = audit
        self._guard = Guard(audit)
        self._clock = clock
        self._new_id = new_id

    async def vend(self, caller: Caller, driver_id: str, request: VendRequest) -> Vended:
        """Return credentials that open what was asked for and nothing else.

        The audit record is durable before this returns. Raises NotFound, Denied, InvalidInput
        (TooLarge for too many prefixes), Conflict (integration disabled), AwsRefused,
        AwsUnavailable, SealBroken, AuditUnavailable.
        """
        driver, project, integration = await self._load(driver_id)
        allowed = await self._guard.require(
            caller,
            Action.VEND,
            org_id=project.org_id,
            project_id=project.id,
            subject=f"driver:{driver.id}",
        )
        scope = scope_of(driver, request.prefixes, request.levels)
        lease_id = self._new_id()
        facts = _facts(scope, request, lease_id)
        try:
            credentials = await self._mint(caller, integration, scope, request.ttl, lease_id)
        except ValetkeyError as error:
            await self._note(caller, project, driver, "failed", error.message, facts)
            raise
        facts["access_key_id"] = credentials.access_key_id
        facts["expires_at"] = credentials.expires_at.isoformat()
        await self._note(caller, project, driver, "allowed", allowed.reason, facts)
        return Vended(lease_id, credentials, scope, driver)

    async def _mint(
        self,
        caller: Caller,
        integration: Integration,
        scope: Scope,
        ttl: timedelta,
        lease_id: str,
    ) -> TemporaryCredentials:
        policy = render(scope, partition=integration.role_arn.partition)
        if integration.state is IntegrationState.DISABLED:
            raise Conflict(
                f"The integration {integration.name!r} is disabled.",
                hint="Ask its owner to enable it again.",
            )
        integration, key = await open_key(self._storage, self._sealer, integration.id)
        order = AssumeRole(
            role_arn=integration.role_arn,
            session_name=session_name(caller.principal.email, lease_id),
            duration=ttl,
            policy=policy,
        )
        credentials = await self._sts.assume_role(key, order)
        if credentials.expires_at <= self._clock.now():
            raise AwsUnavailable(
                "STS returned a credential that has already expired.",
                hint="Compare this machine's clock with the world's (NTP), then ask again.",
            )
        return credentials

    async def _load(self, driver_id: str) -> tuple[Driver, Project, Integration]:
        async with self._storage.read() as work:
            driver = await load_driver(work, driver_id)
            project = await load_project(work, driver.project_id)
            return driver, project, await load_integration(work, driver.integration_id)

    async def _note(
        self,
        caller: Caller,
        project: Project,
        driver: Driver,
        outcome: str,
        reason: str,
        facts: dict[str, Any],
    ) -> None:
        await self._audit.write(
            self._audit.event(
                caller,
                "credentials.vend",
                f"driver:{driver.id}",
                org_id=project.org_id,
                outcome=outcome,
                reason=reason,
                **facts,
            )
        )


def scope_of(driver: Driver, prefixes: Iterable[str], levels: frozenset[AccessLevel]) -> Scope:
    """Return the scope of folders below a driver's own.

    Raises InvalidInput for an unusable folder (none can lead outside) and for none at all.
    """
    full = tuple(driver.full_prefix(prefix) for prefix in prefixes)
    return Scope(driver.bucket, full, levels)


def session_name(email: str, lease_id: str) -> str:
    """Return a RoleSessionName (at most 64 letters): who asked, and the lease, for CloudTrail."""
    who = _NOT_IN_SESSION_NAME.sub("-", email)[:_WHO_LENGTH]
    return f"{who}-{lease_id}"


def _facts(scope: Scope, request: VendRequest, lease_id: str) -> dict[str, Any]:
    return {
        "lease_id": lease_id,
        "bucket": scope.bucket,
        "prefixes": list(scope.prefixes),
        "access": sorted(scope.levels),
        "ttl": int(request.ttl.total_seconds()),
        "purpose": request.purpose,
    }
