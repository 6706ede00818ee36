"""Integrations: registered once, verified by really calling AWS, their secret always sealed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Final

from valetkey.domain.access import Action
from valetkey.domain.credentials import AccessKey, OwnIdentity
from valetkey.domain.errors import Conflict, InvalidInput, SealBroken
from valetkey.domain.ids import IdFactory
from valetkey.domain.integration import Integration, IntegrationState
from valetkey.domain.integration_types import (
    CheckedParts,
    NewIntegration,
    aws_sts,
    checked,
    parse_type,
)
from valetkey.domain.lease import LeaseFilter
from valetkey.domain.location import Location
from valetkey.domain.names import clean_name
from valetkey.domain.ports import Clock, Sealer, Storage, UnitOfWork
from valetkey.domain.role_arn import RoleArn
from valetkey.domain.sealing import SealContext, SealedSecret
from valetkey.domain.secret import Secret
from valetkey.domain.verification import Check, Report
from valetkey.services.access import Access, Change, Verb
from valetkey.services.audit import AuditLog, Caller
from valetkey.services.endings import Ending
from valetkey.services.lookup import load_integration
from valetkey.services.nouns import INTEGRATION, ORGANIZATION, integration_facts
from valetkey.services.verification import OnCheck, Verifier, ignore_check, stream

NO_TRUST_YET: Final = "The role does not trust this server yet, as far as it was tried."


def secret_context(integration: Integration) -> SealContext:
    """Return where an integration's secret belongs."""
    return SealContext(integration.org_id, integration.id, "secret")


CREATE: Final = Verb("integration.create", Action.MANAGE_INTEGRATIONS)
READ: Final = Verb("integration.read", Action.READ_INTEGRATIONS)
UPDATE: Final = Verb("integration.update", Action.MANAGE_INTEGRATIONS)
DELETE: Final = Verb("integration.delete", Action.MANAGE_INTEGRATIONS)
VERIFY: Final = Verb("integration.verify", Action.MANAGE_INTEGRATIONS)
DISABLE: Final = Verb("integration.disable", Action.MANAGE_INTEGRATIONS)
ENABLE: Final = Verb("integration.enable", Action.MANAGE_INTEGRATIONS)


class Integrations:
    """Create, list, change, verify, switch off and delete integrations. They are the owner's."""

    def __init__(
        self,
        storage: Storage,
        sealer: Sealer,
        verifier: Verifier,
        audit: AuditLog,
        clock: Clock,
        new_id: IdFactory,
    ) -> None:
        self._storage = storage
        self._access: Access[UnitOfWork] = Access(storage, audit)
        self._sealer = sealer
        self._verifier = verifier
        self._clock = clock
        self._new_id = new_id

    async def create(
        self, caller: Caller, org_id: str, *, name: str, key: str, secret: Secret, role_arn: str
    ) -> Integration:
        """Register an ``aws-sts`` integration, not yet verified.

        Raises InvalidInput, Conflict (name taken), Denied, NotFound.
        """
        new = NewIntegration(aws_sts.RULES.name, name, key, secret, role_arn)
        return await self.register(caller, org_id, new)

    async def register(self, caller: Caller, org_id: str, new: NewIntegration) -> Integration:
        """Register an integration of any type, not yet verified.

        Raises InvalidInput, Conflict (name taken), Denied, NotFound.
        """
        # Nobody without the right is worth a look at an endpoint.
        await self._access.require(caller, CREATE, ORGANIZATION, org_id)
        now, parts = self._clock.now(), checked(new)
        endpoint = new.endpoint.strip()
        if endpoint:
            endpoint = await self._verifier.check_endpoint(endpoint)
        kind = parse_type(new.type)
        is_cross = kind.rules.trusts_server
        integration = Integration(
            id=self._new_id(),
            org_id=org_id,
            name=clean_name(new.name),
            type=kind,
            access_key_id=parts.access_key_id,
            role_arn=parts.role_arn,
            state=IntegrationState.CREATED,
            creator=caller.principal.email,
            created_at=now,
            updated_at=now,
            state_reason=NO_TRUST_YET if is_cross else "",
            external_id=f"valetkey-{self._new_id()}" if is_cross else "",
            endpoint=endpoint,
            provider=parts.provider,
            ref=parts.ref,
        )
        sealed = await self._sealer.seal(parts.secret, secret_context(integration))
        async with self._access.changing(caller, CREATE, ORGANIZATION, org_id) as change:
            await change.work.integrations.add(integration, sealed)
            change.note(f"integration:{integration.id}", **integration_facts(integration))
        return integration

    async def get(self, caller: Caller, integration_id: str) -> Integration:
        """Return one integration. Raises NotFound, Denied."""
        async with self._access.reading(caller, READ, INTEGRATION, integration_id) as read:
            return read.entity

    async def of_org(self, caller: Caller, org_id: str) -> Sequence[Integration]:
        """List an organisation's integrations by name. Raises NotFound, Denied."""
        async with self._access.reading(caller, READ, ORGANIZATION, org_id) as read:
            return await read.work.integrations.of_org(org_id)

    async def update(
        self,
        caller: Caller,
        integration_id: str,
        *,
        name: str | None = None,
        credentials: tuple[str, Secret] | None = None,
        role_arn: str | None = None,
    ) -> Integration:
        """Change the name, the key with its secret, or the role; what is None stays.

        A changed key or role must be verified anew. Raises InvalidInput, Conflict (name taken; the
        key is one that a rotation takes away), Denied, NotFound.
        """
        async with self._access.reading(caller, UPDATE, INTEGRATION, integration_id) as read:
            old = read.entity
        role = None if role_arn is None else _role(old, role_arn)
        parts = _new_parts(old, credentials, role)
        sealed = await self._sealer.seal(parts.secret, secret_context(old)) if parts else None
        async with self._access.changing(caller, UPDATE, INTEGRATION, integration_id) as change:
            before = change.entity
            after = replace(
                before,
                name=before.name if name is None else clean_name(name),
                role_arn=before.role_arn if role is None else role,
            )
            if parts is not None and sealed is not None:
                await _require_key_stays(change.work, integration_id, parts.access_key_id)
                await change.work.integrations.replace_secret(integration_id, sealed)
                after = after.with_key(parts.access_key_id, self._clock.now())
            if parts is not None or after.role_arn != before.role_arn:
                after = _unverified(after)
            if after != before or parts is not None:
                change.entity = replace(after, updated_at=self._clock.now())
                change.note(renamed_from=before.name)
        return change.entity

    async def disable(self, caller: Caller, integration_id: str) -> tuple[Integration, Ending]:
        """Vend nothing through an integration any more; sessions that were vended live on until
        they end or are revoked: return which. Raises NotFound, Denied."""
        async with self._access.changing(caller, DISABLE, INTEGRATION, integration_id) as change:
            if change.entity.state is not IntegrationState.DISABLED:
                change.entity = replace(
                    change.entity,
                    state=IntegrationState.DISABLED,
                    state_reason=f"switched off by {caller.principal.email}",
                    updated_at=self._clock.now(),
                )
            ending = await self._ending(change)
        return change.entity, ending

    async def _ending(self, change: Change[Integration, UnitOfWork]) -> Ending:
        through_it = LeaseFilter(
            change.home.org_id, integration_id=change.entity.id, live_at=self._clock.now()
        )
        return Ending(await change.work.leases.count(through_it))

    async def enable(self, caller: Caller, integration_id: str) -> Integration:
        """Vend again; what AWS thinks of it must be found out anew. Raises NotFound, Denied."""
        async with self._access.changing(caller, ENABLE, INTEGRATION, integration_id) as change:
            if change.entity.state is IntegrationState.DISABLED:
                change.entity = replace(
                    change.entity,
                    state=IntegrationState.CREATED,
                    state_reason="",
                    updated_at=self._clock.now(),
                )
        return change.entity

    async def delete(self, caller: Caller, integration_id: str) -> Ending:
        """Forget an integration and its secret. Return which leases were vended through it, and
        are live: with its key goes the means to revoke them. Raises InUse while locations stand on
        it, NotFound, Denied."""
        async with self._access.changing(caller, DELETE, INTEGRATION, integration_id) as change:
            ending = await self._ending(change)
            await change.work.integrations.delete(integration_id)
            change.note()
        return ending

    def verify_stream(
        self, caller: Caller, integration_id: str
    ) -> AsyncIterator[Check | tuple[Integration, Report]]:
        """Verify, and yield each check as soon as it is known; at the end what verify returns."""
        return stream(lambda on_check: self.verify(caller, integration_id, on_check))

    async def verify(
        self, caller: Caller, integration_id: str, on_check: OnCheck = ignore_check
    ) -> tuple[Integration, Report]:
        """Call AWS as this integration, through each of its locations too, and store the outcome.

        ``on_check`` hears of each check as soon as it is known. Raises NotFound, Denied,
        SealBroken. What AWS refuses is in the report, not raised.
        """
        async with self._access.reading(caller, VERIFY, INTEGRATION, integration_id) as read:
            claimed = read.entity
            locations = await read.work.locations.of_integration(integration_id)
        report = await self._report(claimed, locations, on_check)
        async with self._access.changing(caller, VERIFY, INTEGRATION, integration_id) as change:
            # A rename, or a new key, may have come in while AWS was being asked.
            if _same_claim(change.entity, claimed):
                change.entity = self._judged(change.entity, report)
            failure = report.first_failure
            change.note(
                state=change.entity.state.value,
                found="failed" if failure else "passed",
                failed_check=failure.name if failure else "",
            )
        return change.entity, report

    async def _report(
        self, claimed: Integration, locations: Sequence[Location], on_check: OnCheck
    ) -> Report:
        if claimed.type.rules.opens_by_key:
            key = await open_static_key(self._storage, self._sealer, claimed.id)
            return await self._verifier.verify_static(key, locations, on_check)
        integration, key = await open_key(self._storage, self._sealer, claimed.id)
        return await self._verifier.verify(integration, key, locations, on_check)

    def _judged(self, integration: Integration, report: Report) -> Integration:
        failure = report.first_failure
        if integration.state is IntegrationState.DISABLED:
            return integration  # switched off by a person: no report switches it on
        if failure is not None:
            return replace(
                integration,
                state=IntegrationState.FAILING,
                state_reason=failure.cause or failure.claim,
            )
        if not report.conclusive:
            return integration
        return replace(
            integration,
            state=IntegrationState.VERIFIED,
            state_reason="",
            verified_at=self._clock.now(),
        )


def _new_parts(
    old: Integration, credentials: tuple[str, Secret] | None, role: RoleArn | None
) -> CheckedParts | None:
    if credentials is None:
        return None
    key, secret = credentials
    facts = {"provider": old.provider, "ref": old.ref}
    own_role = str(role or old.role_arn)
    return checked(NewIntegration(old.type, old.name, key, secret, own_role, facts=facts))


def _unverified(integration: Integration) -> Integration:
    """Return an integration whose key or role nobody has tried yet."""
    if integration.state is IntegrationState.DISABLED:
        return replace(integration, verified_at=None)
    reason = NO_TRUST_YET if integration.type.rules.trusts_server else ""
    return replace(
        integration, verified_at=None, state=IntegrationState.CREATED, state_reason=reason
    )


async def _require_key_stays(work: UnitOfWork, integration_id: str, key_id: str) -> None:
    """Refuse a key that a rotation is about to switch off or delete: it would stop working, and
    this integration with it. Whoever marks a key for that does so under the same lock."""
    latest = await work.rotations.latest(integration_id)
    if latest is not None and not latest.is_over and key_id in latest.going:
        raise Conflict(
            f"The key {key_id} is being taken away by a rotation of this integration.",
            hint="Cancel the rotation first (valetkey integrations rotate --cancel), or enter "
            "another key.",
            code="key_in_rotation",
        )


def _same_claim(one: Integration, other: Integration) -> bool:
    return (one.access_key_id, one.role_arn) == (other.access_key_id, other.role_arn)


async def open_key(
    storage: Storage, sealer: Sealer, integration_id: str
) -> tuple[Integration, AccessKey]:
    """Load an integration and the key that assumes its role, both of the same moment.

    The key of an ``aws-cross`` integration is the server's OwnIdentity. Raises NotFound, Conflict
    (there is no role to assume), SealBroken, StorageUnavailable.
    """
    async with storage.read() as work:
        integration = await load_integration(work, integration_id)
        sealed = await work.integrations.sealed_secret(integration_id)
    return integration, await open_loaded(sealer, integration, sealed)


async def open_loaded(
    sealer: Sealer, integration: Integration, sealed: SealedSecret | None
) -> AccessKey:
    """Unseal the key that assumes an integration's role, as :func:`open_key` does; the record was
    read before."""
    if not integration.type.rules.opens_by_role:
        raise Conflict(
            f"The integration {integration.name!r} is of the type {integration.type}: there is no "
            "role to assume, so there are no temporary credentials.",
            hint="Use an aws-sts or an aws-cross integration.",
            code="no_temporary_credentials",
        )
    if not integration.role_arn:
        raise Conflict(
            f"The integration {integration.name!r} has no role yet.",
            hint="Make a role whose trust policy names this server and the external id "
            f"{integration.external_id}, and enter its ARN.",
            code="role_missing",
        )
    if integration.type.rules.trusts_server:
        return OwnIdentity()
    return await _unseal(sealer, integration, sealed)


async def open_static_key(storage: Storage, sealer: Sealer, integration_id: str) -> AccessKey:
    """Open the key of an ``s3`` integration, which is used as it is.

    Raises NotFound, Conflict (another type, or disabled), SealBroken, StorageUnavailable.
    """
    integration, key = await _open(storage, sealer, integration_id)
    if not integration.type.rules.opens_by_key:
        raise Conflict(
            f"The key of the integration {integration.name!r} assumes a role, and nothing else.",
            hint="Ask for temporary credentials.",
            code="no_static_key",
        )
    if integration.state is IntegrationState.DISABLED:
        raise Conflict(
            f"The integration {integration.name!r} is disabled.",
            hint="Ask its owner to enable it again.",
            code="integration_disabled",
        )
    return key


async def _open(
    storage: Storage, sealer: Sealer, integration_id: str
) -> tuple[Integration, AccessKey]:
    async with storage.read() as work:
        integration = await load_integration(work, integration_id)
        sealed = await work.integrations.sealed_secret(integration_id)
    return integration, await _unseal(sealer, integration, sealed)


async def _unseal(
    sealer: Sealer, integration: Integration, sealed: SealedSecret | None
) -> AccessKey:
    if sealed is None:
        raise SealBroken(
            f"The integration {integration.name!r} has no stored secret.",
            hint="Enter its key and secret again (valetkey integrations update).",
        )
    secret = await sealer.open(sealed, secret_context(integration))
    return AccessKey(integration.access_key_id, secret)


def _role(integration: Integration, text: str) -> RoleArn:
    if not integration.type.rules.opens_by_role:
        raise InvalidInput(
            f"An integration of the type {integration.type} has no role.",
            hint="Leave the role out.",
            field="roleArn",
        )
    return RoleArn.parse(text)
