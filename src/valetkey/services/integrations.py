"""Integrations: registered once, verified by really calling AWS, their secret always sealed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Any, Final

from valetkey.domain.access import Action
from valetkey.domain.credentials import AccessKey, OwnIdentity
from valetkey.domain.errors import Conflict, InvalidInput, SealBroken
from valetkey.domain.ids import IdFactory
from valetkey.domain.integration import (
    Integration,
    IntegrationState,
    IntegrationType,
    RoleArn,
)
from valetkey.domain.names import clean_name
from valetkey.domain.new_integration import NewIntegration, checked
from valetkey.domain.ports import Clock, Sealer, Storage, UnitOfWork
from valetkey.domain.sealing import SealContext, SealedSecret
from valetkey.domain.secret import Secret
from valetkey.domain.tags import integration_tag
from valetkey.domain.verification import Check, Report
from valetkey.services.audit import AuditLog, Caller
from valetkey.services.guard import Guard, load_integration
from valetkey.services.verification import Told, Verifier, nobody, stream

_ASSUMING: Final = frozenset({IntegrationType.AWS_STS, IntegrationType.AWS_CROSS})
NO_TRUST_YET: Final = "The role does not trust this server yet, as far as it was tried."


def secret_context(integration: Integration) -> SealContext:
    """Return where an integration's secret belongs."""
    return SealContext(integration.org_id, integration.id, "secret")


class Integrations:
    """Create, list, change, verify and delete integrations. They are the owner's."""

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
        self._sealer = sealer
        self._verifier = verifier
        self._audit = audit
        self._guard = Guard(audit)
        self._clock = clock
        self._new_id = new_id

    async def create(
        self, caller: Caller, org_id: str, *, name: str, key: str, secret: Secret, role_arn: str
    ) -> Integration:
        """Register an ``aws-sts`` integration, not yet verified.

        Raises InvalidInput, Conflict (name taken), Denied, NotFound.
        """
        new = NewIntegration(IntegrationType.AWS_STS, name, key, secret, role_arn)
        return await self.register(caller, org_id, new)

    async def register(self, caller: Caller, org_id: str, new: NewIntegration) -> Integration:
        """Register an integration of any type, not yet verified.

        Raises InvalidInput, Conflict (name taken), Denied, NotFound.
        """
        await self._require(caller, Action.MANAGE_INTEGRATIONS, org_id, f"organisation:{org_id}")
        now, parts = self._clock.now(), checked(new)
        endpoint = new.endpoint.strip()
        if endpoint:
            endpoint = await self._verifier.check_endpoint(endpoint)
        is_cross = new.type is IntegrationType.AWS_CROSS
        integration = Integration(
            id=self._new_id(),
            org_id=org_id,
            name=clean_name(new.name),
            type=new.type,
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
        async with self._storage.begin() as work:
            await work.integrations.add(integration, sealed)
            await self._note(work, caller, "integration.create", integration)
        return integration

    async def get(self, caller: Caller, integration_id: str) -> Integration:
        """Return one integration. Raises NotFound, Denied."""
        return await self._load(caller, Action.READ_INTEGRATIONS, integration_id)

    async def of_org(self, caller: Caller, org_id: str) -> Sequence[Integration]:
        """List an organisation's integrations by name. Raises NotFound, Denied."""
        await self._require(caller, Action.READ_INTEGRATIONS, org_id, f"organisation:{org_id}")
        async with self._storage.read() as work:
            return await work.integrations.of_org(org_id)

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

        A changed key or role must be verified anew. Raises InvalidInput, Conflict, Denied,
        NotFound.
        """
        old = await self._load(caller, Action.MANAGE_INTEGRATIONS, integration_id)
        new, sealed = replace(old, updated_at=self._clock.now()), None
        if name is not None:
            new = replace(new, name=clean_name(name))
        if role_arn is not None:
            new = replace(new, role_arn=_role(old, role_arn))
        if credentials is not None:
            key, secret = credentials
            facts = {"provider": old.provider, "ref": old.ref}
            own_role = str(new.role_arn)
            parts = checked(NewIntegration(old.type, old.name, key, secret, own_role, facts=facts))
            new = replace(new, access_key_id=parts.access_key_id)
            sealed = await self._sealer.seal(parts.secret, secret_context(new))
        if credentials is not None or new.role_arn != old.role_arn:
            reason = NO_TRUST_YET if old.type is IntegrationType.AWS_CROSS else ""
            new = replace(new, verified_at=None)
            if old.state is not IntegrationState.DISABLED:
                new = replace(new, state=IntegrationState.CREATED, state_reason=reason)
        async with self._storage.begin() as work:
            await work.integrations.save(new)
            if sealed is not None:
                await work.integrations.replace_secret(new.id, sealed)
            await work.invalidations.publish([integration_tag(new.id)])
            await self._note(work, caller, "integration.update", new, renamed_from=old.name)
        return new

    async def delete(self, caller: Caller, integration_id: str) -> None:
        """Forget an integration and its secret. Raises InUse while locations stand on it."""
        integration = await self._load(caller, Action.MANAGE_INTEGRATIONS, integration_id)
        async with self._storage.begin() as work:
            await work.integrations.delete(integration_id)
            await work.invalidations.publish([integration_tag(integration_id)])
            await self._note(work, caller, "integration.delete", integration)

    def verify_stream(
        self, caller: Caller, integration_id: str
    ) -> AsyncIterator[Check | tuple[Integration, Report]]:
        """Verify, and yield each check as soon as it is known; at the end what verify returns."""
        return stream(lambda told: self.verify(caller, integration_id, told))

    async def verify(
        self, caller: Caller, integration_id: str, told: Told = nobody
    ) -> tuple[Integration, Report]:
        """Call AWS as this integration, through each of its locations too, and store the outcome.

        ``told`` hears of each check as soon as it is known. Raises NotFound, Denied, SealBroken.
        What AWS refuses is in the report, not raised.
        """
        known = await self._load(caller, Action.MANAGE_INTEGRATIONS, integration_id)
        async with self._storage.read() as work:
            locations = await work.locations.of_integration(integration_id)
        if known.type is IntegrationType.S3:
            integration, key = (
                known,
                await open_static_key(self._storage, self._sealer, integration_id),
            )
            report = await self._verifier.verify_static(key, locations, told)
        else:
            integration, key = await open_key(self._storage, self._sealer, integration_id)
            report = await self._verifier.verify(integration, key, locations, told)
        async with self._storage.begin() as work:
            # Loaded again: a rename, or a new key, may have come in while AWS was being asked.
            current = await load_integration(work, integration_id)
            if _same_claim(current, integration):
                current = self._judged(current, report)
                await work.integrations.save(current)
            await self._note(work, caller, "integration.verify", current, state=current.state.value)
        return current, report

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

    async def _load(self, caller: Caller, action: Action, integration_id: str) -> Integration:
        async with self._storage.read() as work:
            integration = await load_integration(work, integration_id)
        await self._require(caller, action, integration.org_id, f"integration:{integration_id}")
        return integration

    async def _require(self, caller: Caller, action: Action, org_id: str, subject: str) -> None:
        await self._guard.require(caller, action, org_id=org_id, subject=subject)

    async def _note(
        self,
        work: UnitOfWork,
        caller: Caller,
        action: str,
        integration: Integration,
        **details: Any,
    ) -> None:
        event = self._audit.event(
            caller,
            action,
            f"integration:{integration.id}",
            org_id=integration.org_id,
            name=integration.name,
            access_key_id=integration.access_key_id,
            role_arn=str(integration.role_arn),
            **details,
        )
        await work.audit.append([event])


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
    if integration.type not in _ASSUMING:
        raise Conflict(
            f"The integration {integration.name!r} is of the type {integration.type}: there is no "
            "role to assume, so there are no temporary credentials.",
            hint="Use an aws-sts or an aws-cross integration.",
        )
    if not integration.role_arn:
        raise Conflict(
            f"The integration {integration.name!r} has no role yet.",
            hint="Make a role whose trust policy names this server and the external id "
            f"{integration.external_id}, and enter its ARN.",
        )
    if integration.type is IntegrationType.AWS_CROSS:
        return OwnIdentity()
    return await _unseal(sealer, integration, sealed)


async def open_static_key(storage: Storage, sealer: Sealer, integration_id: str) -> AccessKey:
    """Open the key of an ``s3`` integration, which is used as it is.

    Raises NotFound, Conflict (another type, or disabled), SealBroken, StorageUnavailable.
    """
    integration, key = await _open(storage, sealer, integration_id)
    if integration.type is not IntegrationType.S3:
        raise Conflict(
            f"The key of the integration {integration.name!r} assumes a role, and nothing else.",
            hint="Ask for temporary credentials.",
        )
    if integration.state is IntegrationState.DISABLED:
        raise Conflict(
            f"The integration {integration.name!r} is disabled.",
            hint="Ask its owner to enable it again.",
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
    if integration.type not in _ASSUMING:
        raise InvalidInput(
            f"An integration of the type {integration.type} has no role.",
            hint="Leave the role out.",
            field="roleArn",
        )
    return RoleArn.parse(text)
