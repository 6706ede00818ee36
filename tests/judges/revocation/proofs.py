"""The ways of taking a right away while a crowd vends, and whether anything is left of it."""

from __future__ import annotations

import asyncio
import functools
import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Final

from judges.revocation.crowd import Crowd, Handed, Holder, Store, vend
from judges.revocation.office import Office
from valetkey.catalog.db.storage import SqlCatalogStorage
from valetkey.domain.revocation import MOST_NAMES

#: So many leases are revoked one by one.
_LEASES: Final = 10
#: A revocation names its sessions one by one up to a hundred, and beyond tells them by their time.
#: Both ways are tried: the first round is of many credentials, the others are of so few.
_FEW: Final = 40
#: How many leases are live where there are very many, and how long ending them may take.
_MANY: Final = 100_000
_AT_ONCE: Final = 5_000
_IN_TIME: Final = 10.0
#: So many of those that must go on are tried.
_SAMPLE: Final = 20


@dataclass(frozen=True, slots=True)
class Result:
    """What one proof saw. ``credentials`` were in somebody's hands when the answer came; of those
    ``worked`` at S3 after it. ``left_after`` were asked for after the answer that took the right,
    and given. It took so many ``seconds``, of ``most_seconds`` that it may take."""

    name: str
    credentials: int
    refused: int
    left_after: int
    worked: int
    seconds: float
    most_seconds: float = math.inf

    @property
    def is_in_time(self) -> bool:
        return self.seconds <= self.most_seconds

    @property
    def holds(self) -> bool:
        return self.credentials > 0 and self.left_after == self.worked == 0

    def and_then(self, other: Result) -> Result:
        """Return what two rounds saw together."""
        return Result(
            self.name,
            self.credentials + other.credentials,
            self.refused + other.refused,
            self.left_after + other.left_after,
            self.worked + other.worked,
            self.seconds + other.seconds,
        )


def _rounds(count: int) -> list[int]:
    """Return how many credentials are out in each round."""
    many = max(count // 2, min(count, MOST_NAMES + 10))
    return [many, *[_FEW] * -((many - count) // _FEW)]


@dataclass(frozen=True, slots=True)
class Stage:
    """Where a proof plays: a crowd that vends from a location."""

    office: Office
    location: dict[str, Any]
    crowd: Crowd
    store: Store

    @property
    def location_id(self) -> str:
        found: str = self.location["id"]
        return found

    def judged(
        self,
        name: str,
        started: float,
        ended: list[Handed],
        *,
        after: float = 0.0,
    ) -> Result:
        """Use what should have ended; ``after`` is from when on nothing might be given any more."""
        late = [each for each in self.crowd.handed if after and each.asked_at > after]
        worked = sum(self.store.works(each) for each in ended)
        return Result(
            name,
            len(ended),
            self.crowd.refused.total(),
            len(late),
            worked,
            time.monotonic() - started,
        )


@contextmanager
def _stage(office: Office, holder_of: Callable[[str], str], count: int) -> Iterator[Stage]:
    """Have a crowd vend, until ``count`` credentials are out: these work."""
    location = office.location()
    holder = Holder(holder_of(location["id"]), location["id"])
    crowd, store = Crowd(office.urls, holder), Store(office.aws.endpoint)
    crowd.start()
    try:
        crowd.wait_for(count)
        assert all(store.works(each) for each in crowd.handed[:_SAMPLE])
        yield Stage(office, location, crowd, store)
    finally:
        crowd.stop()
        store.close()


def _enforced(answer: Mapping[str, Any]) -> None:
    assert answer["revocations"], answer
    for each in answer["revocations"]:
        assert each["state"] == "enforced", each
        assert each["proof"].startswith("Proven"), each


def _by_revocation(
    office: Office, count: int, kind: str, target_of: Callable[[Stage, str], str]
) -> Result:
    """Revoke amid vending, again and again. Whoever asks afterwards is given what works."""
    _, email = office.member()
    token, rounds = office.login(email), _rounds(count)
    with _stage(office, lambda _: token, rounds[0]) as stage:
        ended: list[Handed] = []
        started = time.monotonic()
        for size in rounds:
            stage.crowd.wait_for(len(ended) + size)
            _enforced(office.revoke(kind, target_of(stage, email)))
            moment = time.monotonic()
            ended = [each for each in list(stage.crowd.handed) if each.received_at <= moment]
            fresh = vend(office.urls[-1], stage.crowd.holder, f"fresh{len(ended)}")
            assert stage.store.works(fresh)
        stage.crowd.stop()
        return stage.judged(kind, started, ended)


def location(office: Office, count: int) -> Result:
    return _by_revocation(office, count, "location", lambda stage, _: stage.location_id)


def many_leases(office: Office, count: int) -> Result:
    """Revoke a location of which a hundred thousand leases are live, amid vending: it is proven in
    at most ten seconds, and no session that was made before the answer works after it."""
    _, email = office.member()
    token = office.login(email)
    with _stage(office, lambda _: token, count) as stage:
        asyncio.run(_copied(office.database, stage.crowd.handed[0].lease_id, _MANY))
        started = time.monotonic()
        answer = office.revoke("location", stage.location_id)
        moment = time.monotonic()
        _enforced(answer)
        assert answer["leases"] > _MANY, answer["leases"]
        assert all(each["widened"] for each in answer["revocations"]), answer
        ended = [each for each in list(stage.crowd.handed) if each.received_at <= moment]
        assert stage.store.works(vend(office.urls[-1], stage.crowd.holder, "fresh"))
        stage.crowd.stop()
        result = stage.judged("many leases", started, ended)
        return replace(result, seconds=moment - started, most_seconds=_IN_TIME)


async def _copied(url: str, lease_id: str, number: int) -> None:
    """Store copies of a lease, as if as many sessions of its holder were live."""
    storage = SqlCatalogStorage.at(url)
    async with storage.read() as work:
        lease = await work.leases.get(lease_id)
    assert lease is not None
    for start in range(0, number, _AT_ONCE):
        ids = [f"{each:024x}" for each in range(start, start + _AT_ONCE)]
        name = lease.session_name.removesuffix(lease.id)
        copies = [replace(lease, id=own, session_name=f"{name}{own}") for own in ids]
        await storage.record([], copies)
    await storage.close()


def principal(office: Office, count: int) -> Result:
    return _by_revocation(office, count, "principal", lambda _, email: email)


def integration(office: Office, count: int) -> Result:
    return _by_revocation(
        office, count, "integration", lambda stage, _: str(stage.location["integrationId"])
    )


def lease(office: Office, count: int) -> Result:
    """Revoke leases one by one, each while it may be vended again: the others go on."""
    _, email = office.member()
    token = office.login(email)
    with _stage(office, lambda _: token, count) as stage:
        started = time.monotonic()
        step = max(1, count // _LEASES)
        chosen = stage.crowd.handed[:count:step][:_LEASES]
        for each in chosen:
            _enforced(office.revoke("lease", each.lease_id))
        stage.crowd.stop()
        names = {each.lease_id for each in chosen}
        others = [each for each in stage.crowd.handed if each.lease_id not in names]
        assert all(stage.store.works(each) for each in others[-_SAMPLE:])
        return stage.judged("lease", started, chosen)


def disable(office: Office, count: int) -> Result:
    """Disable the integration: nothing leaves after the answer; then end what had left."""

    def take(stage: Stage, _: str) -> None:
        office.post(f"/v1/integrations/{stage.location['integrationId']}/disable")

    return _by_change(
        office, count, "disable", take, "integration", lambda s: s.location["integrationId"]
    )


def narrowed_location(office: Office, count: int) -> Result:
    """Take reading off the location."""

    def take(stage: Stage, _: str) -> None:
        office.patch(f"/v1/locations/{stage.location_id}", {"access": ["list"]})

    return _by_change(office, count, "narrowed location", take, "location", lambda s: s.location_id)


def _by_change(
    office: Office,
    count: int,
    name: str,
    take: Callable[[Stage, str], None],
    kind: str,
    target_of: Callable[[Stage], str],
) -> Result:
    _, email = office.member()
    token = office.login(email)
    with _stage(office, lambda _: token, count) as stage:
        started = time.monotonic()
        take(stage, email)
        after = time.monotonic()
        _enforced(office.revoke(kind, target_of(stage)))
        stage.crowd.stop()
        return stage.judged(name, started, list(stage.crowd.handed), after=after)


def deleted_grant(office: Office, count: int) -> Result:
    """Delete the grant by which somebody vends, who has no other right."""
    _, email = office.member("annotator")
    token = office.login(email)
    grants: list[str] = []

    def granted(location_id: str) -> str:
        body = {"user": email, "prefixes": [""], "access": ["list", "read"]}
        grants.append(office.post(f"/v1/locations/{location_id}/grants", body)["id"])
        return token

    with _stage(office, granted, count) as stage:
        started = time.monotonic()
        office.delete(f"/v1/locations/{stage.location_id}/grants/{grants[0]}")
        after = time.monotonic()
        _enforced(office.revoke("principal", email))
        stage.crowd.stop()
        return stage.judged("deleted grant", started, list(stage.crowd.handed), after=after)


def removed_member(office: Office, count: int) -> Result:
    """Remove somebody from the organisation: their sessions end with the same answer."""
    user_id, email = office.member()
    token = office.login(email)
    with _stage(office, lambda _: token, count) as stage:
        started = time.monotonic()
        answer = office.delete(f"/v1/orgs/{office.org_id}/members/{user_id}")
        after = time.monotonic()
        assert answer["remaining"] == [], answer
        stage.crowd.stop()
        return stage.judged("removed member", started, list(stage.crowd.handed), after=after)


def revoked_token(office: Office, count: int) -> Result:
    """Revoke the API token that a program shows, and the sessions that it was given."""
    _, email = office.member()
    login = office.login(email)
    made = office.post("/v1/tokens", {"name": "leaked"}, login)
    with _stage(office, lambda _: str(made["token"]), count) as stage:
        started = time.monotonic()
        office.delete(f"/v1/tokens/{made['id']}", login)
        after = time.monotonic()
        _enforced(office.revoke("token", made["id"]))
        stage.crowd.stop()
        return stage.judged("revoked token", started, list(stage.crowd.handed), after=after)


def _repeated(proof: Callable[[Office, int], Result]) -> Callable[[Office, int], Result]:
    """Return a proof that plays on a new stage each round."""

    def in_rounds(office: Office, count: int) -> Result:
        return functools.reduce(Result.and_then, (proof(office, size) for size in _rounds(count)))

    return in_rounds


PROOFS: Final[Mapping[str, Callable[[Office, int], Result]]] = {
    "location": location,
    "many_leases": many_leases,
    "principal": principal,
    "integration": integration,
    "lease": lease,
    "disable": _repeated(disable),
    "deleted_grant": _repeated(deleted_grant),
    "narrowed_location": _repeated(narrowed_location),
    "removed_member": _repeated(removed_member),
    "revoked_token": _repeated(revoked_token),
}
