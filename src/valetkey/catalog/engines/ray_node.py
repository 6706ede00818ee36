"""What runs on a node of a Ray cluster: one shard, with nothing but what its order gives.

Everything goes in and comes out as bytes: what a node raises need not be known elsewhere.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import traceback
from datetime import timedelta
from importlib.metadata import version
from typing import Final

import msgspec

from valetkey.aws.objects import S3ObjectStore
from valetkey.catalog.db.storage import SqlCatalogStorage
from valetkey.catalog.domain.ports import CatalogStorage
from valetkey.catalog.engines.orders import Node, Order, OrderOutcome, TaskSetup, encode
from valetkey.catalog.services.datasets.lister import BucketLister
from valetkey.catalog.services.datasets.shards import OutOfOrder, release, work_off
from valetkey.db.schema import schema_state
from valetkey.domain.credentials import AwsCredentials
from valetkey.domain.errors import ValetkeyError
from valetkey.domain.ids import IdFactory
from valetkey.domain.ports import Pool
from valetkey.system import SystemClock, SystemEntropy, quieten_collector

#: With less than this left a session is given back, and the shard goes on with another one.
_MARGIN: Final = timedelta(minutes=1)
_CONNECTIONS: Final = 8  # as few as can be: one is used at a time
_log = logging.getLogger(__name__)


class SessionEnds(Exception):
    """There is too little left of the session for one more page."""


def probe(setup: bytes) -> bytes:
    """Say whether this node can do the work: which version it has, and whether it reaches the
    database."""
    given = msgspec.json.decode(setup, type=TaskSetup)
    token = os.environ.get("RAY_AUTH_MODE", "").lower() == "token"
    host, own = socket.gethostname(), version("valetkey")
    try:
        state = asyncio.run(schema_state(given.database))
    except ValetkeyError as error:
        return encode(Node(host, own, token, problem=error.message))
    return encode(Node(host, own, token, state.present or ""))


def shard(setup: bytes, order: bytes) -> bytes:
    """Work one shard off; return the outcome."""
    given = msgspec.json.decode(order, type=Order)
    quieten_collector()
    try:
        done = asyncio.run(_work(msgspec.json.decode(setup, type=TaskSetup), given))
    except ValetkeyError as error:
        done = OrderOutcome.of(given.id, error)
    except Exception as error:  # noqa: BLE001  # it is told to the server, which logs it
        problem = f"A node met an error of Valetkey's own ({type(error).__name__})."
        hint = "See the server's log, and report it."
        told = traceback.format_exc()
        done = OrderOutcome(given.id, "failed", "error", problem, hint, traceback=told)
    return encode(done)


async def _work(setup: TaskSetup, order: Order) -> OrderOutcome:
    clock, entropy = SystemClock(), SystemEntropy()
    held = order.session.credentials

    async def session() -> AwsCredentials:
        if held.remaining(clock.now()) < _MARGIN:
            raise SessionEnds
        return held

    objects = S3ObjectStore(setup.store.settings, clock, entropy)
    opened = SqlCatalogStorage.at(setup.database, connections=_CONNECTIONS, clock=clock)
    storage = opened.through(Pool.HEAVY)
    try:
        lister = BucketLister(objects, order.place, order.prefix, session)
        return await _outcome(storage, clock, IdFactory(clock, entropy), lister, order)
    finally:
        await objects.close()
        await opened.close()


async def _outcome(
    storage: CatalogStorage,
    clock: SystemClock,
    new_id: IdFactory,
    lister: BucketLister,
    order: Order,
) -> OrderOutcome:
    async with storage.read() as work:
        dataset = await work.datasets.get(order.dataset_id)
    if dataset is None:
        return OrderOutcome(order.id, "held")
    try:
        had = await work_off(
            *(storage, clock, new_id, lister, dataset, order.shard_id),
            owner=order.id,
            creator=order.creator,
        )
    except OutOfOrder:
        return OrderOutcome(order.id, "unordered")
    except SessionEnds:
        await _give_back(storage, order)
        return OrderOutcome(order.id, "ending")
    except ValetkeyError:
        await _give_back(storage, order)
        raise
    return OrderOutcome(order.id, "done" if had else "held")


async def _give_back(storage: CatalogStorage, order: Order) -> None:
    try:
        await release(storage, order.shard_id, order.id)
    except ValetkeyError as error:
        _log.warning("A shard's lease runs out by itself: %s", error.message)
