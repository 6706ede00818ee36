"""Presigned URLs: many keys, one decision, one session, one audit record."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import repeat
from typing import Any, Final

from valetkey.counting import counted
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
from valetkey.domain.session_policy import split
from valetkey.services.audit import AuditLog, Caller
from valetkey.services.lookup import missing
from valetkey.services.vending.authorization import VendRequest, check_purpose, scope_of
from valetkey.services.vending.location_context import LocationContext
from valetkey.services.vending.rounds import rounds, unsettled
from valetkey.services.vending.vending import CHANGED, TakenSession, Vending

PRESIGN: Final = "objects.presign"
MAX_KEYS: Final = 100_000
#: Keys worked on before others get their turn (about a millisecond).
_AT_ONCE: Final = 100
#: Folders of so many sessions may be signed for in one request.
_MOST_SESSIONS: Final = 20


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
                f"{counted(len(self.keys), 'key')} are more than {MAX_KEYS}.",
                hint="Ask in several requests.",
                field="keys",
            )
        if self.version_ids and len(self.version_ids) != len(self.keys):
            raise InvalidInput(
                f"For {counted(len(self.keys), 'key')} there came "
                f"{counted(len(self.version_ids), 'version id')}.",
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


class SigningTurns:
    """Long work in short pieces, one piece of all of it at a time, so that others wait for no more
    than one."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()

    async def next(self) -> None:
        """Wait for the next turn."""
        async with self._lock:
            await asyncio.sleep(0)

    async def pieces(self, keys: Sequence[str]) -> AsyncIterator[tuple[int, Sequence[str]]]:
        """Iterate over keys in pieces, with each one's place: a turn for each."""
        for start in range(0, len(keys), _AT_ONCE):
            if start:
                await self.next()
            yield start, keys[start : start + _AT_ONCE]


@dataclass(frozen=True, slots=True)
class Presigned:
    """URLs to be: iterate to sign them. ``expires_at`` is when they really end."""

    keys: Sequence[str]
    expires_at: datetime
    lease_ids: tuple[str, ...]
    _paths: Sequence[str]
    _versions: Sequence[str]
    _disposition: str
    _signers: tuple[Presigner, ...]
    #: Each key's signer; empty where there is one.
    _parts: Sequence[int]
    _turns: SigningTurns

    def __len__(self) -> int:
        return len(self.keys)

    def urls(self, start: int, end: int) -> Iterator[str]:
        """Yield the URLs of some of the keys, in order."""
        paths = self._paths[start:end]
        if not (self._versions or self._disposition or self._parts):
            return map(self._signers[0].sign, paths)
        versions = self._versions[start:end] if self._versions else repeat("")
        parts = self._parts[start:end] if self._parts else repeat(0)
        disposition = self._disposition
        return (
            self._signers[part].sign(path, disposition=disposition, version_id=version)
            for path, version, part in zip(paths, versions, parts, strict=False)
        )

    async def pieces(self) -> AsyncIterator[tuple[Sequence[str], Iterator[str]]]:
        """Iterate over keys with their URLs, some at a time, letting others have their turn."""
        async for start, keys in self._turns.pieces(self.keys):
            yield keys, self.urls(start, start + len(keys))


@dataclass(frozen=True, slots=True)
class _PresignAttempt:
    """Who asks for what, what is known of the location by now, and a digest of the keys."""

    caller: Caller
    context: LocationContext
    request: PresignRequest
    digest: str


class Presigning:
    """Makes URLs that open single objects for a while."""

    def __init__(self, vending: Vending, audit: AuditLog, clock: Clock) -> None:
        self._vending = vending
        self._audit = audit
        self._clock = clock
        #: Long work of any request takes its turns here.
        self.turns = SigningTurns()

    async def presign(self, caller: Caller, location_id: str, request: PresignRequest) -> Presigned:
        """Return URLs for keys that the caller's role or grants open.

        Their life is capped by the session's and told truthfully; one audit record, which is
        durable before this returns, stands for all of them. Raises NotFound, Denied (also for a
        single key outside), InvalidInput, and what ``Vending.session`` raises.
        """
        paths = await self._quoted(request.keys)
        digest = await self._digest(request.keys)
        for _ in rounds(self._clock, self._clock.monotonic()):
            context = await self._vending.context(location_id)
            attempt = _PresignAttempt(caller, context, request, digest)
            presigned = await self._try(attempt, paths)
            if presigned is not None:
                return presigned
            caller = await self._vending.again(caller)
        raise unsettled()

    async def _try(self, attempt: _PresignAttempt, paths: Sequence[str]) -> Presigned | None:
        """Decide, sign, record; None if something changed before that was done."""
        caller, location, request = attempt.caller, attempt.context.location, attempt.request
        wanted = await self._wanted(attempt)
        folders, parts = await self._place(attempt, wanted)
        taken = [
            await self._vending.session(caller, location.id, replace(wanted, prefixes=part))
            for part in folders
        ]
        signers = tuple(self._signer(each, attempt) for each in taken)
        expires_at = min(signer.expires_at for signer in signers)
        reason = taken[0].authorization.reason
        leases = tuple(each.session.lease.id for each in taken)
        facts: dict[str, Any] = {
            "lease_id": leases[0],
            "access_key_id": taken[0].session.credentials.access_key_id,
            "expires_at": expires_at.isoformat(),
        } | ({"lease_ids": list(leases)} if len(leases) > 1 else {})
        if await self._vending.record(self._event(attempt, reason=reason, **facts), *taken):
            return Presigned(
                request.keys,
                expires_at,
                leases,
                paths,
                request.version_ids,
                request.disposition,
                signers,
                parts,
                self.turns,
            )
        await self._audit.write(self._event(attempt, reason=CHANGED, outcome="failed", **facts))
        return None

    def _signer(self, taken: TakenSession, attempt: _PresignAttempt) -> Presigner:
        context, request = attempt.context, attempt.request
        return presigner(
            taken.session.credentials,
            bucket_url=self._bucket_url(context),
            region=context.location.region,
            method=request.method,
            expires=request.expires,
            now=self._clock.now(),
            requester_pays=context.location.requester_pays,
        )

    async def _wanted(self, attempt: _PresignAttempt) -> VendRequest:
        """Return the session to sign with: all that the caller may do with the method here."""
        caller, context, request = attempt.caller, attempt.context, attempt.request
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
        limits = caller.principal.limits
        return replace(wanted, prefixes=limits.narrow(context.chain, wanted.prefixes))

    async def _place(
        self, attempt: _PresignAttempt, wanted: VendRequest
    ) -> tuple[list[tuple[str, ...]], Sequence[int]]:
        """Return the folders of each session that is needed, and each key's session (none where
        there is one). Keys outside are refused; the refusal is audited.

        Folders are those that hold a key, where a policy does not take all that the caller has.
        """
        context = attempt.context
        all_of_it = scope_of(context.location, wanted)
        partition, kms = context.integration.role_arn.partition, context.location.kms_key_arn
        whole = split(all_of_it, partition=partition, kms_key_arn=kms)
        holding = await self._folders(attempt, all_of_it.prefixes)
        if len(whole) == 1:
            return [wanted.prefixes], ()
        used = tuple(sorted(set(holding)))
        parts = split(replace(all_of_it, prefixes=used), partition=partition, kms_key_arn=kms)
        if len(parts) > _MOST_SESSIONS:
            raise TooLarge(
                f"The keys lie in {counted(len(used), 'folder')}, which takes "
                f"{counted(len(parts), 'session')}.",
                hint=f"Ask in several requests: one takes {_MOST_SESSIONS} sessions at most.",
                field="keys",
            )
        own = len(context.location.prefix)
        number = {folder: n for n, part in enumerate(parts) for folder in part.prefixes}
        folders = [tuple(each[own:] for each in part.prefixes) for part in parts]
        return folders, [number[folder] for folder in holding] if len(parts) > 1 else ()

    async def _folders(self, attempt: _PresignAttempt, folders: tuple[str, ...]) -> list[str]:
        """Return for each key the folder that holds it. Raises Denied for one that none holds."""
        found: list[str] = []
        if folders == ("",):
            return found
        known = frozenset(folders)
        async for _, keys in self.turns.pieces(attempt.request.keys):
            for key in keys:
                folder = _holding(key, known)
                if folder is None:
                    await self._refuse(attempt, folders, key)
                else:
                    found.append(folder)
        return found

    async def _refuse(self, attempt: _PresignAttempt, folders: tuple[str, ...], stray: str) -> None:
        reason = f"The key {stray[:200]!r} is outside of what you may open here."
        await self._audit.write(self._event(attempt, outcome="denied", reason=reason))
        raise Denied(
            reason,
            hint=f"Name keys of the bucket in full; yours begin with {folders[0]!r}."
            if len(folders) == 1
            else "Name keys of the bucket in full, in the folders of your grants.",
            field="keys",
        )

    async def _quoted(self, keys: Sequence[str]) -> list[str]:
        """Return the keys as URLs have them. Raises InvalidInput before anything is signed."""
        paths: list[str] = []
        async for _, some in self.turns.pieces(keys):
            paths += map(quote_key, some)
        return paths

    async def _digest(self, keys: Sequence[str]) -> str:
        """Return the SHA-256 of all keys, each as its length in bytes, a colon, and its UTF-8: a
        key may hold any letter, and none of them ends it."""
        digest = hashlib.sha256()
        async for _, some in self.turns.pieces(keys):
            texts = [key.encode(errors="surrogatepass") for key in some]
            digest.update(b"".join(b"%d:%b" % (len(text), text) for text in texts))
        return digest.hexdigest()

    def _bucket_url(self, context: LocationContext) -> str:
        location = context.location
        return bucket_url(
            location.bucket,
            location.region,
            partition=context.integration.role_arn.partition,
            endpoint=self._vending.endpoint(location),
        )

    def _event(
        self, attempt: _PresignAttempt, *, reason: str, outcome: str = "allowed", **facts: Any
    ) -> AuditEvent:
        """Describe the request. The keys are too many to be written out: their number, the first,
        the last, and a digest of all of them stand for them."""
        context, request = attempt.context, attempt.request
        return self._audit.event(
            attempt.caller,
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
            keys_sha256=attempt.digest,
            purpose=request.purpose,
            **facts,
        )


def _holding(key: str, folders: AbstractSet[str]) -> str | None:
    """Return a folder that a key is in, the widest first."""
    if "" in folders:
        return ""
    end = key.find("/")
    while end >= 0:
        if key[: end + 1] in folders:
            return key[: end + 1]
        end = key.find("/", end + 1)
    return None


def _by_grants(wanted: VendRequest, grants: Sequence[Grant], level: AccessLevel) -> VendRequest:
    """Narrow a request to what grants give; without any, it stays and will be refused."""
    giving = [grant for grant in grants if level in grant.levels]
    if not giving:
        return wanted
    return replace(wanted, prefixes=tuple(prefix for grant in giving for prefix in grant.prefixes))
