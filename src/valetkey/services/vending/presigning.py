"""Presigned URLs: many keys, one decision, one session, one audit record."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import repeat
from typing import Any, Final

from valetkey.domain.access import Action, Deny, decide
from valetkey.domain.audit import AuditEvent
from valetkey.domain.credentials import DEFAULT_TTL
from valetkey.domain.errors import Denied, InvalidInput, TooLarge
from valetkey.domain.grants import Grant
from valetkey.domain.ports import Clock
from valetkey.domain.presign import (
    MAX_EXPIRES,
    Method,
    Presigner,
    bucket_url,
    check_options,
    presigner,
    quote_key,
)
from valetkey.domain.scope import AccessLevel
from valetkey.services.audit import AuditLog, Caller
from valetkey.services.guard import missing
from valetkey.services.vending.authorization import VendRequest, check_purpose
from valetkey.services.vending.issuing import IssuedSession
from valetkey.services.vending.location_context import LocationContext
from valetkey.services.vending.vending import CHANGED, ROUNDS, Vending, unsettled

PRESIGN: Final = "objects.presign"
MAX_KEYS: Final = 100_000
#: Keys worked on before others get their turn (about a millisecond).
_AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True)
class PresignRequest:
    """Keys of the bucket, in full. ``version_ids`` is empty, or has an entry (perhaps empty) for
    each key."""

    keys: Sequence[str]
    method: Method = Method.GET
    expires: timedelta = DEFAULT_TTL
    disposition: str = ""
    version_ids: Sequence[str] = ()
    purpose: str = ""

    def __post_init__(self) -> None:
        if not self.keys:
            raise InvalidInput("There are no keys.", hint="Name at least one key.", field="keys")
        if len(self.keys) > MAX_KEYS:
            raise TooLarge(
                f"{len(self.keys)} keys are more than {MAX_KEYS}.",
                hint="Ask in several requests.",
                field="keys",
            )
        if self.version_ids and len(self.version_ids) != len(self.keys):
            raise InvalidInput(
                f"There are {len(self.version_ids)} version ids for {len(self.keys)} keys.",
                hint="Give one for each key, in the same order; an empty one is the newest.",
                field="versionIds",
            )
        if not timedelta(seconds=1) <= self.expires <= MAX_EXPIRES:
            raise InvalidInput(
                "A URL can't live that long, or that short.",
                hint=f"Use 1 to {int(MAX_EXPIRES.total_seconds())} seconds.",
                field="expiresSeconds",
            )
        check_options(self.method, disposition=self.disposition, has_versions=any(self.version_ids))
        check_purpose(self.purpose)


@dataclass(frozen=True, slots=True)
class Presigned:
    """URLs to be: iterate to sign them. ``expires_at`` is when they really end."""

    keys: Sequence[str]
    expires_at: datetime
    lease_id: str
    _paths: Sequence[str]
    _versions: Sequence[str]
    _disposition: str
    _signer: Presigner

    def __len__(self) -> int:
        return len(self.keys)

    def urls(self, start: int, end: int) -> Iterator[str]:
        """Yield the URLs of some of the keys, in order."""
        paths, sign = self._paths[start:end], self._signer.sign
        if not self._versions and not self._disposition:
            return map(sign, paths)
        versions = self._versions[start:end] if self._versions else repeat("")
        disposition = self._disposition
        return (
            sign(path, disposition=disposition, version_id=version)
            for path, version in zip(paths, versions, strict=False)
        )

    async def pieces(self) -> AsyncIterator[tuple[Sequence[str], Iterator[str]]]:
        """Iterate over keys with their URLs, some at a time, letting others have their turn."""
        for start in range(0, len(self.keys), _AT_ONCE):
            if start:
                await asyncio.sleep(0)
            end = start + _AT_ONCE
            yield self.keys[start:end], self.urls(start, end)


class Presigning:
    """Makes URLs that open single objects for a while."""

    def __init__(self, vending: Vending, audit: AuditLog, clock: Clock) -> None:
        self._vending = vending
        self._audit = audit
        self._clock = clock

    async def presign(self, caller: Caller, location_id: str, request: PresignRequest) -> Presigned:
        """Return URLs for keys that the caller's role or grants open.

        Their life is capped by the session's and told truthfully; one audit record, which is
        durable before this returns, stands for all of them. Raises NotFound, Denied (also for a
        single key outside), InvalidInput, and what ``Vending.session`` raises.
        """
        paths = await _quoted(request.keys)
        for _ in range(ROUNDS):
            presigned = await self._try(caller, location_id, request, paths)
            if presigned is not None:
                return presigned
            caller = await self._vending.again(caller)
        raise unsettled()

    async def _try(
        self, caller: Caller, location_id: str, request: PresignRequest, paths: Sequence[str]
    ) -> Presigned | None:
        """Decide, sign, record; None if something changed before that was done."""
        context = await self._vending.context(location_id)
        wanted = await self._wanted(caller, context, request)
        await self._check_keys(caller, context, wanted, request)
        session, authorization, since = await self._vending.session(caller, location_id, wanted)
        signer = presigner(
            session.credentials,
            bucket_url=self._bucket_url(context),
            region=context.location.region,
            method=request.method,
            expires=request.expires,
            now=self._clock.now(),
        )
        record = self._event(caller, context, request, reason=authorization.reason)
        facts = {
            "lease_id": session.lease.id,
            "access_key_id": session.credentials.access_key_id,
            "expires_at": signer.expires_at.isoformat(),
        }
        if await self._vending.record(_with(record, facts), session, authorization, since):
            return self._presigned(request, paths, signer, session)
        withheld = self._event(caller, context, request, reason=CHANGED, outcome="failed")
        await self._audit.write(_with(withheld, facts))
        return None

    def _presigned(
        self,
        request: PresignRequest,
        paths: Sequence[str],
        signer: Presigner,
        session: IssuedSession,
    ) -> Presigned:
        return Presigned(
            request.keys,
            signer.expires_at,
            session.lease.id,
            paths,
            request.version_ids,
            request.disposition,
            signer,
        )

    async def _wanted(
        self, caller: Caller, context: LocationContext, request: PresignRequest
    ) -> VendRequest:
        """Return the session to sign with: all that the caller may do with the method here."""
        level, location, project = request.method.level, context.location, context.project
        wanted = VendRequest(
            ("",), frozenset({level}), versions=any(request.version_ids), purpose=request.purpose
        )
        if project.org_id not in caller.principal.org_roles:
            raise missing(f"location:{location.id}")
        by_role = decide(
            caller.principal, Action.VEND, org_id=project.org_id, project_id=project.id
        )
        if isinstance(by_role, Deny):
            wanted = _by_grants(wanted, await self._vending.grants(caller, context), level)
        prefixes, ttl = caller.principal.limits.narrow(wanted.prefixes, wanted.ttl)
        return replace(wanted, prefixes=prefixes, ttl=ttl)

    async def _check_keys(
        self, caller: Caller, context: LocationContext, wanted: VendRequest, request: PresignRequest
    ) -> None:
        """Refuse keys outside; the refusal is audited."""
        folders = tuple(context.location.prefix + prefix for prefix in wanted.prefixes)
        if folders == ("",):
            return
        stray = next((key for key in request.keys if not key.startswith(folders)), None)
        if stray is None:
            return
        reason = f"The key {stray[:200]!r} is outside of what you may open here."
        await self._audit.write(
            self._event(caller, context, request, outcome="denied", reason=reason)
        )
        raise Denied(
            reason,
            hint=f"Name keys of the bucket in full; yours begin with {folders[0]!r}."
            if len(folders) == 1
            else "Name keys of the bucket in full, in the folders of your grants.",
            field="keys",
        )

    def _bucket_url(self, context: LocationContext) -> str:
        location = context.location
        return bucket_url(
            location.bucket,
            location.region,
            partition=context.integration.role_arn.partition,
            endpoint=self._vending.endpoint(location),
        )

    def _event(
        self,
        caller: Caller,
        context: LocationContext,
        request: PresignRequest,
        *,
        reason: str,
        outcome: str = "allowed",
    ) -> AuditEvent:
        """Describe the request. The keys are too many to be written out: their number, the first,
        the last, and the SHA-256 of all of them, one a line, stand for them."""
        names = "\n".join(request.keys).encode(errors="surrogatepass")
        return self._audit.event(
            caller,
            PRESIGN,
            f"location:{context.location.id}",
            org_id=context.project.org_id,
            outcome=outcome,
            reason=reason,
            method=request.method.value,
            bucket=context.location.bucket,
            keys=len(request.keys),
            first_key=request.keys[0],
            last_key=request.keys[-1],
            keys_sha256=hashlib.sha256(names).hexdigest(),
            purpose=request.purpose,
        )


async def _quoted(keys: Sequence[str]) -> list[str]:
    """Return the keys as URLs have them. Raises InvalidInput before anything is signed."""
    paths: list[str] = []
    for start in range(0, len(keys), _AT_ONCE):
        if start:
            await asyncio.sleep(0)
        paths += map(quote_key, keys[start : start + _AT_ONCE])
    return paths


def _by_grants(wanted: VendRequest, grants: Sequence[Grant], level: AccessLevel) -> VendRequest:
    """Narrow a request to what grants give; without any, it stays and will be refused."""
    giving = [grant for grant in grants if level in grant.levels]
    if not giving:
        return wanted
    return replace(
        wanted,
        prefixes=tuple(prefix for grant in giving for prefix in grant.prefixes),
        ttl=min(wanted.ttl, *(grant.max_ttl for grant in giving)),
    )


def _with(event: AuditEvent, facts: dict[str, Any]) -> AuditEvent:
    return replace(event, details={**event.details, **facts})
