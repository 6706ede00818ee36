"""Shards as tasks of a Ray cluster, given out by the server and done by its nodes.

Lease and checkpoint of each shard stay in the database, where a node renews the one and moves the
other with each page. So nothing is lost with a node or a driver but its last page: the shard is
given out again, under another owner's name. Ray itself repeats nothing.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from valetkey.aws.settings import AwsSettings
from valetkey.catalog.domain.ports import CatalogStorage
from valetkey.catalog.domain.sync import LEASE, Shard, is_over
from valetkey.catalog.engines.orders import (
    ClusterReady,
    NodeSession,
    Order,
    OrderOutcome,
    Store,
    TaskSetup,
)
from valetkey.catalog.engines.ray_process import DRIVER, Driver, DriverDied, driving
from valetkey.catalog.services.datasets.engines import EngineFailed, Scene
from valetkey.catalog.services.datasets.shards import OutOfOrder, release
from valetkey.catalog.services.items.sessions import Sessions
from valetkey.domain.credentials import TemporaryCredentials
from valetkey.domain.errors import InvalidInput
from valetkey.domain.ids import IdFactory
from valetkey.domain.ports import Clock
from valetkey.domain.ports.objects import to_ms
from valetkey.domain.scope import AccessLevel
from valetkey.domain.secret import Secret

#: Joining a cluster and asking its nodes. It is seconds where they are idle; where all cores are
#: taken it was a minute and more. Ray itself gives up a wrong token after 22 seconds.
_READY_SECONDS: Final = 180.0
#: So long nothing is heard until the stored shards are looked at.
_LOOK_SECONDS: Final = 3.0
#: A shard whose worker was lost so often, and a driver that died so often, is not tried again.
_TRIES: Final = 3
#: A node whose lease on a shard has run out for so long stands still.
_STILL_MS: Final = int(LEASE.total_seconds() * 1000)
_STANDS_STILL: Final = ("A node of the Ray cluster stands still.", "See 'ray status'.")
_SCOPE: Final = frozenset({AccessLevel.LIST})
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class RaySettings:
    """Which clusters may be used, and what their nodes are given: ``database`` with a password,
    so nobody but the server's owner says where it goes. ``environment`` is the driver's."""

    addresses: tuple[str, ...]
    token_file: str
    insecure: bool
    database: Secret
    aws: AwsSettings
    version: str
    schema: str
    environment: Mapping[str, str]

    @property
    def drivers_environment(self) -> dict[str, str]:
        token = {
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN_PATH": str(Path(self.token_file).absolute()),
        }
        quiet = {"RAY_USAGE_STATS_ENABLED": "0", "PYTHONUNBUFFERED": "1"}
        return dict(self.environment) | quiet | (token if self.token_file else {})


class RayEngine:
    """Implements ShardEngine."""

    def __init__(
        self,
        settings: RaySettings,
        storage: CatalogStorage,
        sessions: Sessions,
        clock: Clock,
        new_id: IdFactory,
        *,
        command: Sequence[str] = DRIVER,
    ) -> None:
        self._settings = settings
        self._storage = storage
        self._sessions = sessions
        self._clock = clock
        self._new_id = new_id
        self._command = command

    def check(self, address: str) -> str:
        known = self._settings.addresses
        if not known:
            raise InvalidInput(
                "This server knows no Ray cluster.",
                hint="Name one in its settings (ray_addresses), see the guide on Ray.",
                field="engine",
            )
        if address and address not in known:
            raise InvalidInput(
                f"This server does not work on a Ray cluster at {ascii(address)[:80]}: its nodes "
                "would be given the database's password.",
                hint=f"Use one of {', '.join(known)}, or name it in the setting ray_addresses.",
                field="engineAddress",
            )
        if self._settings.database.reveal().startswith("sqlite"):
            raise InvalidInput(
                "Ray's nodes can't write to a SQLite file.",
                hint="Use PostgreSQL (the setting database_url), or the server's own process.",
                field="engine",
            )
        if not self._settings.token_file and not self._settings.insecure:
            raise InvalidInput(
                "The Ray cluster would be joined without a token.",
                hint="Give the cluster one and name its file (the setting ray_token_file); or "
                "allow a cluster without one by name (ray_insecure).",
                field="engine",
            )
        return address or known[0]

    async def work_off(self, scene: Scene, shards: Sequence[Shard]) -> int:
        address = self.check(scene.command.engine_address)
        _, _, now_ms = await self.stored(scene)
        free = [shard for shard in shards if is_over(shard.lease_ms, now_ms)]
        if not free:
            return 0
        run = _Run(self, scene, list(free))
        for left in range(_TRIES - 1, -1, -1):
            try:
                async with driving(self._settings.drivers_environment, self._command) as driver:
                    await driver.tell(self._setup(address))
                    if not await self._join(driver, scene, address):
                        return run.count
                    return await run.go(driver)
            except DriverDied as death:
                _log.warning("The driver of a sync on Ray died:\n%s", death)
                if not left:
                    raise EngineFailed(
                        f"The connection to the Ray cluster at {address} was lost again and again.",
                        hint="See the server's log and 'ray status', and sync again: what is "
                        "indexed stays.",
                    ) from None
                await run.all_lost()
        raise AssertionError("unreachable")

    def _setup(self, address: str) -> TaskSetup:
        known = self._settings
        return TaskSetup(
            address,
            known.database.reveal(),
            known.version,
            known.schema,
            Store.of(known.aws),
            known.insecure,
        )

    async def _join(self, driver: Driver, scene: Scene, address: str) -> bool:
        """Wait until the cluster can be used; return whether the sync still goes on then."""
        until = self._clock.monotonic() + _READY_SECONDS
        while (told := await driver.next_message(_LOOK_SECONDS)) is None:
            goes_on, _, _ = await self.stored(scene)
            if not goes_on:
                return False
            if self._clock.monotonic() >= until:
                raise EngineFailed(
                    f"The Ray cluster at {address} did not answer for {_READY_SECONDS:g} seconds.",
                    hint="See 'ray status' there.",
                )
        if not isinstance(told, ClusterReady):
            raise EngineFailed(told.message, hint=told.hint)
        _log.info("A sync is done by %s nodes of the Ray cluster at %s", told.nodes, address)
        return True

    async def order(self, scene: Scene, shard: Shard) -> Order:
        """Return an order for a shard, with a session of its own. Raises what vending does."""
        location, dataset = scene.store.location, scene.store.dataset
        # A sync does not outlive its orderer's rights, nor the integration's being disabled.
        await scene.credentials()
        purpose = f"sync dataset {dataset.id} on Ray, shard {shard.id}"
        session = await self._sessions.open(scene.caller, scene.store, _SCOPE, purpose)
        if not isinstance(session, TemporaryCredentials):
            raise EngineFailed(
                "This location's integration has no temporary credentials, and its key is given "
                "to no other machine.",
                hint="Sync it in the server's own process: --engine process.",
            )
        return Order(
            id=self._new_id(),
            shard_id=shard.id,
            dataset_id=dataset.id,
            creator=scene.caller.principal.email,
            place=scene.store.place,
            prefix=location.prefix,
            session=NodeSession.of(session),
        )

    async def stored(self, scene: Scene) -> tuple[bool, Mapping[str, Shard], int]:
        """Return whether the sync goes on, its shards, and the moment, by which their leases are
        over."""
        async with self._storage.read() as work:
            now_ms = to_ms(await work.moment(self._clock.now()))
            command = await work.commands.get(scene.command.id)
            shards = await work.commands.shards(scene.command.id)
        goes_on = command is not None and not command.state.over
        return goes_on, {one.id: one for one in shards}, now_ms

    async def take_back(self, order_id: str, shard: Shard) -> None:
        """End an order's lease. Should its node live on, it finds the shard another's at its next
        page."""
        await release(self._storage, shard.id, order_id)


@dataclass(slots=True)
class _Run:
    """One go at a sync's shards, over as many drivers as that takes."""

    engine: RayEngine
    scene: Scene
    waiting: list[Shard]
    #: What was given out, by order.
    given: dict[str, Shard] = field(default_factory=dict)
    losses: Counter[str] = field(default_factory=Counter)
    count: int = 0

    async def go(self, driver: Driver) -> int:
        """Give shards out until all of them are done or others'; return how many were had."""
        while self.waiting or self.given:
            while self.waiting and len(self.given) < self.scene.command.parallel:
                order = await self.engine.order(self.scene, self.waiting[0])
                self.given[order.id] = self.waiting.pop(0)
                await driver.tell(order)
            told = await driver.next_message(_LOOK_SECONDS)
            if isinstance(told, OrderOutcome):
                await self._take(told)
            if told is None and not await self._goes_on():
                break
        return self.count

    async def all_lost(self) -> None:
        """Take back what a dead driver had."""
        for order_id, shard in self.given.items():
            await self.engine.take_back(order_id, shard)
        self.waiting += self.given.values()
        self.given.clear()

    async def _take(self, told: OrderOutcome) -> None:
        """Note how an order ended. Raises OutOfOrder, EngineFailed, and what failed."""
        shard = self.given.pop(told.id, None)
        if shard is None:
            return  # it was given up before
        if told.kind == "unordered":
            raise OutOfOrder
        if told.kind == "failed":
            if told.traceback:
                _log.error("A shard failed on Ray:\n%s", told.traceback)
            raise told.error
        self.count += told.kind in {"done", "ending"}
        if told.kind == "ending":
            self.waiting.append(shard)
        if told.kind == "lost":
            await self._lost(told.id, shard, told.message, told.hint)

    async def _lost(self, order_id: str, shard: Shard, message: str, hint: str) -> None:
        self.losses[shard.id] += 1
        _log.warning("The shard %s is given out again: %s", shard.id, message)
        if self.losses[shard.id] >= _TRIES:
            raise EngineFailed(
                f"A part of the bucket was lost {_TRIES} times. {message}", hint=hint
            )
        await self.engine.take_back(order_id, shard)
        self.waiting.append(shard)

    async def _goes_on(self) -> bool:
        """Look at what is stored: whether the sync is over, whether a node stands still, and
        whether a long shard is to be cut for nodes that are idle."""
        goes_on, stored, now_ms = await self.engine.stored(self.scene)
        if not goes_on:
            return False
        for order_id, shard in list(self.given.items()):
            now = stored.get(shard.id)
            if now is None or now.state.over:
                continue  # it is about to be told
            if now.owner == order_id and now.lease_ms < now_ms - _STILL_MS:
                del self.given[order_id]
                await self._lost(order_id, shard, *_STANDS_STILL)
        if not self.waiting and len(self.given) < self.scene.command.parallel:
            self.waiting += await self.scene.cutter.cut()
        return True
