"""The driver of one sync: a process of its own between the server and a Ray cluster.

Ray ends a process whose cluster goes away, and a server must not be that process. It is told what
to do on standard input, a line each, and tells on standard output what came of it. When the input
ends, because the server is done or dead, it ends, and Ray ends its tasks with it.
"""

from __future__ import annotations

import asyncio
import os
import re
import socket
import sys
import traceback
from pathlib import Path
from typing import Any, Final

import msgspec

from valetkey.catalog.engines.orders import (
    ClusterReady,
    FromDriver,
    Node,
    Order,
    OrderOutcome,
    TaskSetup,
    ToDriver,
    encode,
)

#: Starting a worker and importing us: Ray itself gives a worker so long.
_PROBE_SECONDS: Final = 60.0
_KNOCK_SECONDS: Final = 5.0
_VERSIONS: Final = re.compile(r"[Vv]ersion mismatch|different version", re.DOTALL)
#: Ray wraps it where a task can't even be read.
_MISSING: Final = re.compile(r"No module named '([\w.]+)'")
_MEMORY: Final = "Give the nodes more memory, or let fewer shards run side by side (--parallel)."


def main() -> None:
    """Serve one sync."""
    told = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # whatever Ray prints is no line of ours

    def tell(what: FromDriver) -> None:
        told.write(encode(what))

    first = sys.stdin.buffer.readline()
    if not first:
        return
    setup = msgspec.json.decode(first, type=TaskSetup)
    problem = _connected(setup)
    if problem is None:
        asyncio.run(_drive(setup, tell))
    else:
        tell(problem)
    # Ray's own end waits for much; a process that is gone is all that the cluster needs to know.
    os._exit(0)


def refusal(message: str, hint: str) -> OrderOutcome:
    """Return why the cluster can't be used at all."""
    return OrderOutcome("", "failed", "engine_failed", message, hint)


def _connected(setup: TaskSetup) -> OrderOutcome | None:
    """Join the cluster; return why that can't be."""
    try:
        import ray  # noqa: PLC0415  # a missing package is an answer
    except ImportError as error:
        return refusal(
            f"Ray is not installed where the server runs: {error}.",
            "Install it there: pip install 'valetkey[ray]'.",
        )
    problem = _token_problem()
    if problem is not None:
        return problem
    try:
        _knock(setup.address)
        ray.init(address=setup.address, log_to_driver=False, configure_logging=False)
    except Exception as error:  # noqa: BLE001  # whatever it is, it is told in words
        return unreachable(setup.address, error)
    return None


def _token_problem() -> OrderOutcome | None:
    """Return why there is no token to show. Ray itself would abort this process over it."""
    if os.environ.get("RAY_AUTH_MODE", "") != "token":
        return None
    place = os.environ.get("RAY_AUTH_TOKEN_PATH", "")
    try:
        if Path(place).read_text().strip():
            return None
        why = "it is empty"
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is no text"
    return refusal(
        f"The Ray cluster's token can't be read from {place}: {why}.",
        "The setting ray_token_file must name a file with the cluster's own token.",
    )


def _knock(address: str) -> None:
    """Raise what is wrong with an address or the token. Ray's own joining tries for long, and says
    of a token that is not taken that it failed to connect."""
    import ray  # noqa: PLC0415  # see _connected

    host, _, port = address.rpartition(":")
    socket.create_connection((host.strip("[]"), int(port)), _KNOCK_SECONDS).close()
    # What Ray's own commands ask with. It is no interface; Ray's version is pinned to the minor,
    # and a test on a real cluster shows a wrong token.
    ray._raylet.GcsClient(address=address)  # noqa: SLF001


def unreachable(address: str, error: Exception) -> OrderOutcome:
    """Return why a cluster can't be joined, from what Ray says of it."""
    from ray import exceptions  # noqa: PLC0415  # see _connected

    said = " ".join(str(error).split())
    if _VERSIONS.search(said):
        return refusal(
            f"The Ray cluster at {address} is of another version. Ray says: {said[:400]}",
            "Use the same versions of Ray and Python on the server and on every node.",
        )
    if isinstance(error, exceptions.AuthenticationError):
        return refusal(
            f"The Ray cluster at {address} does not take the server's token.",
            "The setting ray_token_file must name a file with the cluster's own token.",
        )
    return refusal(
        f"There is no Ray cluster at {address} that this server can join. Ray says: {said[:400]}",
        "Check the address and the token (settings ray_addresses, ray_token_file), and that the "
        "server's machine is a node of it: ray start --address=HOST:PORT --num-cpus=0.",
    )


async def _drive(setup: TaskSetup, tell: Any) -> None:
    line = encode(setup)
    checked = await _checked(setup, line)
    tell(checked)
    if isinstance(checked, OrderOutcome):
        return
    reader = asyncio.StreamReader(limit=1 << 20)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    tasks: set[asyncio.Task[None]] = set()
    while got := await reader.readline():
        order = msgspec.json.decode(got, type=ToDriver)
        if isinstance(order, Order):
            task = asyncio.create_task(_one(line, order, tell))
            tasks.add(task)
            task.add_done_callback(tasks.discard)


async def _one(setup: bytes, order: Order, tell: Any) -> None:
    import ray  # noqa: PLC0415  # see _connected

    from valetkey.catalog.engines import ray_node  # noqa: PLC0415  # only where it is needed

    remote = ray.remote(num_cpus=1, max_retries=0, scheduling_strategy="SPREAD")(ray_node.shard)
    try:
        outcome = msgspec.json.decode(await remote.remote(setup, encode(order)), type=FromDriver)
    except Exception as error:  # noqa: BLE001  # a task's failure is an outcome
        outcome = lost_or_failed(order.id, error)
    tell(outcome)


def lost_or_failed(order_id: str, error: Exception, host: str = "A node") -> OrderOutcome:
    """Return what an order came to whose task ended with an error of Ray's."""
    from ray import exceptions  # noqa: PLC0415  # see _connected

    if isinstance(error, exceptions.OutOfMemoryError):
        text = f"{host} of the Ray cluster ended the worker, as its memory was full."
        return OrderOutcome(order_id, "lost", "engine_failed", text, _MEMORY)
    if isinstance(error, exceptions.RayTaskError):
        cause: object = error.cause
        if _MISSING.search(str(error)):
            return OrderOutcome(order_id, "failed", "engine_failed", *lacking(error))
        told = "".join(traceback.format_exception(error))
        text = f"A task on the Ray cluster failed ({type(cause).__name__})."
        hint = "See the server's log, and report it."
        return OrderOutcome(order_id, "failed", "error", text, hint, traceback=told)
    if isinstance(error, exceptions.WorkerCrashedError):
        text = "A worker of the Ray cluster died, as it does where a machine's memory is full."
        return OrderOutcome(order_id, "lost", "engine_failed", text, _MEMORY)
    text = f"{host} of the Ray cluster was lost ({type(error).__name__})."
    hint = "See 'ray status', and sync again: what is indexed stays."
    return OrderOutcome(order_id, "lost", "engine_failed", text, hint)


def lacking(error: Exception, host: str = "A node") -> tuple[str, str]:
    """Return what a node lacks, and what to do about it."""
    named = _MISSING.search(str(error))
    return (
        f"{host} of the Ray cluster lacks the package {named[1] if named else 'valetkey'!r}.",
        "Install Valetkey on every node, of the server's version: "
        "pip install 'valetkey[server,ray]'.",
    )


async def _checked(setup: TaskSetup, line: bytes) -> FromDriver:
    """Ask every node that can work whether it is able to."""
    import ray  # noqa: PLC0415  # see _connected

    nodes = [node for node in ray.nodes() if node["Alive"] and node["Resources"].get("CPU", 0) >= 1]
    if not nodes:
        return refusal(
            f"No node of the Ray cluster at {setup.address} has a CPU for this.",
            "Start nodes with --num-cpus=1 or more, and see 'ray status'.",
        )
    found = await asyncio.gather(*(_asked(node, line) for node in nodes))
    able = [one for one in found if isinstance(one, Node)]
    for node in able:
        problem = unfit(setup, node)
        if problem is not None:
            return problem
    refused = [one for one in found if isinstance(one, OrderOutcome)]
    # Others make good one that is lost.
    grave = [one for one in refused if one.kind != "lost" or not able]
    return grave[0] if grave else ClusterReady(len(able))


def unfit(setup: TaskSetup, node: Node) -> OrderOutcome | None:
    """Return why a node can't do the work."""
    if not node.token and not setup.insecure:
        return refusal(
            "The Ray cluster asks nobody for a token: whoever reaches it runs programs on it, and "
            "would be given the database's password.",
            "Start every node with RAY_AUTH_MODE=token, see the guide on Ray; or allow it by name "
            "(the setting ray_insecure).",
        )
    if node.version != setup.version:
        return refusal(
            f"The node {node.host} of the Ray cluster has Valetkey {node.version}, and this "
            f"server is {setup.version}.",
            f"Install it there: pip install 'valetkey[server,ray]=={setup.version}'.",
        )
    if node.problem:
        return refusal(
            f"The node {node.host} of the Ray cluster can't use the database: {node.problem}",
            "Let every node reach it (the setting ray_database_url is the URL that they are "
            "given).",
        )
    if node.schema != setup.schema:
        return refusal(
            f"The node {node.host} of the Ray cluster sees a database at version "
            f"{node.schema or 'none'}, and this server needs {setup.schema}.",
            "The setting ray_database_url must lead to the server's own database.",
        )
    return None


async def _asked(node: dict[str, Any], line: bytes) -> Node | OrderOutcome:
    """Ask one node. One that gives no answer is ``lost``."""
    import ray  # noqa: PLC0415  # see _connected
    from ray import exceptions  # noqa: PLC0415
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy  # noqa: PLC0415

    from valetkey.catalog.engines import ray_node  # noqa: PLC0415

    there = NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
    remote = ray.remote(num_cpus=0, max_retries=0, scheduling_strategy=there)(ray_node.probe)
    host = f"The node {node['NodeManagerAddress']}"
    try:
        async with asyncio.timeout(_PROBE_SECONDS):
            return msgspec.json.decode(await remote.remote(line), type=Node)
    except exceptions.RayTaskError as error:
        if _MISSING.search(str(error)):
            return refusal(*lacking(error, host))
        print("".join(traceback.format_exception(error)), file=sys.stderr)  # noqa: T201
        return refusal(
            f"{host} of the Ray cluster can't be asked ({type(error.cause).__name__}).",
            "See the server's log; Valetkey there must be of the server's version.",
        )
    except TimeoutError:
        text = f"{host} of the Ray cluster did not answer for {_PROBE_SECONDS:g} seconds."
        return OrderOutcome("", "lost", "engine_failed", text, "See 'ray status' there.")
    except exceptions.RayError as error:
        print(f"{host} does not answer: {error}", file=sys.stderr)  # noqa: T201
        return lost_or_failed("", error, host)


if __name__ == "__main__":
    main()
