"""The second half of the page: the bucket, what may be done in it, and what may not outside."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from valetkey.domain.credentials import AwsCredentials
from valetkey.domain.diagnosis import Layer, Names, fixes
from valetkey.domain.errors import ACCESS_DENIED, AwsRefused
from valetkey.domain.ids import IdFactory
from valetkey.domain.location import Location
from valetkey.domain.ports import ObjectStore
from valetkey.domain.scope import AccessLevel
from valetkey.domain.verification import PROBE_PREFIX
from valetkey.services.buckets import OpenBucket
from valetkey.services.verification.checklist import CallResult, Checklist, Claim, Explanation
from valetkey.services.verification.more_rights import check_more_rights
from valetkey.services.verification.outside import (
    ODD_NAMES,
    check_odd_names,
    check_outside,
    check_scope,
    check_width,
    is_odd,
)
from valetkey.services.verification.sessions import Opener, place_of

_BODY: Final = b"Written by Valetkey to see whether it may write here; safe to delete.\n"
_NO_ADDRESS: Final = "The server does not know its own address: see the setting 'public_url'."
_UNPAID: Final = Explanation(
    "The bucket lets those pay who ask (Requester Pays), and the location does not say that it "
    "does.",
    "Set requesterPays on the location: the account of the integration's key is charged then.",
)
_BROWSER_METHODS: Final = frozenset({"GET", "PUT"})


@dataclass(frozen=True, slots=True)
class Claims:
    """What is claimed of one location, in order."""

    where: str

    def _claim(self, name: str, text: str, *, advisory: bool = False) -> Claim:
        return Claim(name, text.format(where=self.where), advisory)

    @property
    def session(self) -> Claim:
        return self._claim("session", "A session confined to {where} is given.")

    @property
    def region(self) -> Claim:
        return self._claim("region", "The bucket is in the region that the location names.")

    @property
    def bucket(self) -> Claim:
        return self._claim("bucket", "The bucket exists.")

    @property
    def public(self) -> Claim:
        return self._claim("public-access", "All public access is blocked.", advisory=True)

    @property
    def list(self) -> Claim:
        return self._claim("list", "{where} can be listed.")

    @property
    def write(self) -> Claim:
        return self._claim("write", "An object can be written to {where}.")

    @property
    def read(self) -> Claim:
        return self._claim("read", "It can be read back.")

    @property
    def delete(self) -> Claim:
        return self._claim("delete", "It can be deleted again.")

    @property
    def more_rights(self) -> Claim:
        return self._claim(
            "more-rights", "The role gives what Valetkey can use beyond that.", advisory=True
        )

    @property
    def outside_prefix(self) -> Claim:
        return self._claim("outside-prefix", "A session for {where} is refused outside it.")

    @property
    def outside_scope(self) -> Claim:
        return self._claim("outside-scope", "A session that may only read is refused to write.")

    @property
    def role_width(self) -> Claim:
        return self._claim(
            "role-width", "The role itself opens no more than {where}.", advisory=True
        )

    @property
    def odd_names(self) -> Claim:
        return self._claim(
            "odd-names", "Folders whose names hold *, ? or $ can be opened.", advisory=True
        )

    @property
    def kms(self) -> Claim:
        return self._claim("kms", "The bucket's encryption does not stand in the way.")

    @property
    def cors(self) -> Claim:
        return self._claim("cors", "Browsers may read and write here (CORS).", advisory=True)

    @property
    def cleanup(self) -> Claim:
        return self._claim("cleanup", "Nothing is left of the probe.")

    @property
    def confining(self) -> tuple[Claim, ...]:
        return (self.outside_prefix, self.outside_scope, self.role_width, self.odd_names)

    @property
    def all(self) -> tuple[Claim, ...]:
        return (
            *(self.session, self.region, self.bucket, self.public),
            *(self.list, self.write, self.read, self.delete, self.more_rights),
            *self.confining,
            *(self.kms, self.cors, self.cleanup),
        )


class LocationChecks:
    """Checks one location by using it as a vended credential would."""

    def __init__(self, stores: ObjectStore, new_id: IdFactory, origin: str) -> None:
        self._stores = stores
        self._new_id = new_id
        self._origin = origin

    async def run(
        self, checks: Checklist, location: Location, opener: Opener, names: Names
    ) -> None:
        """Check everything, or say why not."""
        claims = Claims(f"s3://{location.bucket}/{location.prefix}")
        names = replace(names, bucket=location.bucket, prefix=location.prefix)
        if checks.stopped:
            for claim in claims.all:
                checks.skip(claim, checks.stopped)
            return
        attempt = await checks.attempt(lambda: opener.confined(location, frozenset(AccessLevel)))
        checks.judge(claims.session, attempt)
        if attempt.value is None:
            for claim in claims.all[1:]:
                checks.skip(claim, checks.stopped)
            return
        await self._find(checks, claims, location, attempt.value)
        await self._public(checks, claims, location, opener.whole or attempt.value, names)
        store = OpenBucket(self._stores, attempt.value, place_of(location))
        probe = _ProbeObject(f"{location.prefix}{PROBE_PREFIX}{self._new_id()}", location, names)
        await self._use(checks, claims, store, probe)
        await check_more_rights(checks, claims.more_rights, self._stores, opener, location)
        await self._negative(checks, claims, store, location, opener, names)
        if probe.kms is not None:
            checks.resume()
            key = location.kms_key_arn
            explanation = Explanation(fix=fixes.allow_key(names, key), layer=Layer.KEY_POLICY)
            checks.judge(claims.kms, probe.kms, explanation)
        elif checks.stopped:
            checks.skip(claims.kms, checks.stopped)
        else:
            checks.holds(claims.kms)
        await self._cors(checks, claims, store, location, names)
        await self._clean(checks, claims, store, probe)

    async def _find(
        self, checks: Checklist, claims: Claims, location: Location, credentials: AwsCredentials
    ) -> None:
        attempt = await checks.attempt(
            lambda: self._stores.find_region(
                place_of(location), credentials, prefix=location.prefix
            )
        )
        if attempt.code in ACCESS_DENIED:
            why = "S3 does not say it to this session; the next checks will show."
            checks.skip(claims.region, why)
            checks.skip(claims.bucket, why)
        elif attempt.error is not None:
            missing = attempt.code in {"NoSuchBucket", "404"}
            why = "There is no bucket to ask." if missing else ""
            failing = claims.bucket.name if missing else claims.region.name
            checks.series((claims.region, claims.bucket), attempt, failing, unproven=why)
        elif location.endpoint:
            checks.skip(claims.region, "The location has an endpoint of its own.")
            checks.holds(claims.bucket, attempt.seconds)
        elif location.region and attempt.value != location.region:
            cause = f"The bucket is in {attempt.value}, and the location says {location.region}."
            fix = f"Make the location again with the region {attempt.value}, or without any."
            checks.fail(
                claims.region, Explanation(cause, fix, Layer.REGION), seconds=attempt.seconds
            )
            checks.skip(claims.bucket, checks.stopped)
        else:
            checks.series((claims.region, claims.bucket), attempt)

    async def _public(
        self,
        checks: Checklist,
        claims: Claims,
        location: Location,
        credentials: AwsCredentials,
        names: Names,
    ) -> None:
        if checks.stopped:
            checks.skip(claims.public, checks.stopped)
            return
        store = OpenBucket(self._stores, credentials, place_of(location))
        attempt = await checks.attempt(store.blocks_public_access)
        if attempt.value is False:
            cause = "Public access to the bucket is not blocked: a policy or an ACL can open it."
            fix = fixes.block_public_access(names)
            checks.fail(claims.public, Explanation(cause, fix), seconds=attempt.seconds)
        elif attempt.error is not None:
            why = "The role may not look (s3:GetBucketPublicAccessBlock), and need not."
            checks.skip(
                claims.public, why if attempt.code in ACCESS_DENIED else attempt.error.message
            )
        else:
            checks.holds(claims.public, attempt.seconds)

    async def _use(
        self, checks: Checklist, claims: Claims, store: OpenBucket, probe: _ProbeObject
    ) -> None:
        location = probe.location
        listed = await checks.attempt(lambda: store.list_some(location.prefix, limit=1))
        if listed.code in ACCESS_DENIED and await _is_let_in_as_payer(checks, store, location):
            checks.judge(claims.list, listed, _UNPAID)
        else:
            self._judge(checks, claims.list, listed, probe)
        if checks.stopped:
            for claim in (claims.write, claims.read, claims.delete):
                checks.skip(claim, checks.stopped)
            return
        storage = location.storage_class
        written = await checks.attempt(lambda: store.put(probe.key, _BODY, storage_class=storage))
        probe.written = written.error is None
        self._judge(checks, claims.write, written, probe)
        if checks.stopped:
            checks.skip(claims.read, checks.stopped)
        else:
            self._judge(
                checks, claims.read, await checks.attempt(lambda: _read(store, probe)), probe
            )
        if not probe.written:
            checks.skip(claims.delete, checks.stopped)
            return
        # Whatever the reading said: the probe object is not left behind.
        stopped = checks.resume()
        deleted = await checks.attempt(lambda: store.delete(probe.key))
        probe.written = deleted.error is not None
        self._judge(checks, claims.delete, deleted, probe)
        if stopped:
            checks.stopped = stopped

    @staticmethod
    def _judge(
        checks: Checklist, claim: Claim, attempt: CallResult[object], probe: _ProbeObject
    ) -> None:
        """Judge a use of the bucket; what KMS refuses, S3 has let in."""
        if checks.stopped:
            checks.skip(claim, checks.stopped)
        elif attempt.layer == Layer.KEY_POLICY:
            probe.kms = attempt
            checks.skip(claim, "S3 lets it in, and KMS refuses its key: see the check 'kms'.")
            checks.stopped = "KMS refuses the bucket's key: see the check 'kms'."
        else:
            checks.judge(claim, attempt, _explain(attempt, probe.names))

    async def _negative(
        self,
        checks: Checklist,
        claims: Claims,
        store: OpenBucket,
        location: Location,
        opener: Opener,
        names: Names,
    ) -> None:
        nonce = self._new_id()
        if not opener.confines:
            why = "The key is used as it is: nothing confines it but its own rights."
            for claim in claims.confining:
                checks.skip(claim, checks.stopped or why)
            return
        await check_outside(checks, claims.outside_prefix, store, location, nonce)

        async def reader() -> OpenBucket:
            levels = frozenset({AccessLevel.LIST, AccessLevel.READ})
            session = await opener.confined(location, levels)
            return OpenBucket(self._stores, session, place_of(location))

        await check_scope(checks, claims.outside_scope, reader, location, nonce)
        whole = OpenBucket(self._stores, opener.whole, place_of(location)) if opener.whole else None
        await check_width(checks, claims.role_width, whole, location, nonce, names)

        async def opened(folder: str) -> OpenBucket:
            narrower = replace(location, prefix=folder)
            session = await opener.confined(narrower, frozenset({AccessLevel.WRITE}))
            return OpenBucket(self._stores, session, place_of(location))

        await check_odd_names(checks, claims.odd_names, opened, location, nonce)

    async def _cors(
        self,
        checks: Checklist,
        claims: Claims,
        store: OpenBucket,
        location: Location,
        names: Names,
    ) -> None:
        if checks.stopped or not self._origin:
            checks.skip(claims.cors, checks.stopped or _NO_ADDRESS)
            return
        attempt = await checks.attempt(
            lambda: store.methods_for_browsers(location.prefix, self._origin)
        )
        missing = _BROWSER_METHODS - (attempt.value or frozenset())
        if attempt.error is None and missing:
            cause = (
                f"The bucket has no CORS rule that lets a page of {self._origin} "
                f"{' and '.join(sorted(missing))}: browsers are refused, other programs are not."
            )
            fix = fixes.allow_browsers(names, self._origin)
            checks.fail(claims.cors, Explanation(cause, fix), seconds=attempt.seconds)
        else:
            checks.judge(claims.cors, attempt)

    @staticmethod
    async def _clean(
        checks: Checklist, claims: Claims, store: OpenBucket, probe: _ProbeObject
    ) -> None:
        if probe.written:
            checks.resume()
            cause = f"The probe object {probe.key} could not be deleted."
            checks.fail(
                claims.cleanup, Explanation(cause, fixes.remove_object(probe.names, probe.key))
            )
        elif checks.stopped:
            checks.skip(claims.cleanup, "Nothing was written.")
        else:

            async def gone() -> None:
                if await store.list_some(probe.key, limit=1):
                    raise AwsRefused(
                        f"The probe object {probe.key} is still there.",
                        hint=fixes.remove_object(probe.names, probe.key),
                    )

            await checks.check(claims.cleanup, gone)


async def _is_let_in_as_payer(checks: Checklist, store: OpenBucket, location: Location) -> bool:
    """Tell whether a bucket refuses only whoever does not pay: S3 itself does not say so."""
    if location.requester_pays:
        return False
    paying = replace(store, place=replace(store.place, requester_pays=True))
    attempt = await checks.attempt(lambda: paying.list_some(location.prefix, limit=1))
    return attempt.error is None


@dataclass(slots=True)
class _ProbeObject:
    """The object that is written and read back. ``written``: it is there as far as we know."""

    key: str
    location: Location
    names: Names
    written: bool = False
    kms: CallResult[object] | None = None


async def _read(store: OpenBucket, probe: _ProbeObject) -> None:
    if await store.get(probe.key) != _BODY:
        raise AwsRefused(
            "What was read back is not what was written.",
            hint="See whether something rewrites objects in this bucket.",
        )


def _explain(attempt: CallResult[object], names: Names) -> Explanation:
    """Give the exact fix where the role's own policies are what is missing, or the folder's name
    may be what is in the way."""
    if attempt.error is not None and attempt.code in ACCESS_DENIED and is_odd(names.prefix):
        return Explanation(f"{attempt.error.message} Perhaps: {ODD_NAMES}")
    if attempt.layer == Layer.IDENTITY and "explicit deny" not in _words(attempt):
        return Explanation(fix=fixes.allow_access(names))
    return Explanation()


def _words(attempt: CallResult[object]) -> str:
    return str(attempt.error.details.get("aws_message", "")).lower() if attempt.error else ""
