"""What serving/ uses of uvicorn beyond its documentation: a version that changes it fails here."""

from __future__ import annotations

import asyncio
import inspect
import tomllib
from importlib.metadata import version
from pathlib import Path

import uvicorn
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)
from uvicorn.server import ServerState

ROOT = Path(__file__).parents[2]


async def _nothing(scope: object, receive: object, send: object) -> None: ...


def _protocol() -> HttpToolsProtocol:
    config = uvicorn.Config(_nothing, lifespan="off", ws="none", log_config=None)
    config.load()
    loop = asyncio.new_event_loop()
    try:
        return HttpToolsProtocol(config, ServerState(), {}, loop)
    finally:
        loop.close()


def test_it_is_pinned_to_the_minor_that_is_installed() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"][
        "optional-dependencies"
    ]
    (pin,) = [each for each in extras["server"] if each.startswith("uvicorn")]
    major, minor = map(int, version("uvicorn").split(".")[:2])
    assert pin == f"uvicorn>={major}.{minor},<{major}.{minor + 1}"


def test_a_connection_has_what_ours_reads_and_sets() -> None:
    names = (
        "app cycle connections config expect_100_continue headers loop parser pipeline scope "
        "server_state tasks"
    )
    protocol = _protocol()
    assert [name for name in names.split() if not hasattr(protocol, name)] == []
    protocol.on_message_begin()
    assert protocol.url == b""
    assert protocol.pipeline is not None
    assert protocol.cycle is None
    assert protocol.server_state.default_headers == []
    assert STATUS_LINE[200] == b"HTTP/1.1 200 OK\r\n"


def test_a_connection_calls_what_ours_overrides() -> None:
    for name in (
        "data_received",
        "on_body",
        "on_headers_complete",
        "on_message_complete",
        "on_response_complete",
        "send_400_response",
    ):
        assert callable(getattr(HttpToolsProtocol, name))
    asked = inspect.getsource(HttpToolsProtocol)
    # What the protocol asks of a cycle, which BufferedRequest has.
    for name in ("disconnected", "keep_alive", "response_complete", "message_event"):
        assert f"cycle.{name}" in asked


def test_flow_control_tells_and_waits() -> None:
    source = inspect.getsource(FlowControl)
    assert "self.read_paused" in source
    assert "self.write_paused" in source
    assert inspect.iscoroutinefunction(FlowControl.drain)


def test_a_server_takes_sockets_ticks_and_shuts_down() -> None:
    server = uvicorn.Server(uvicorn.Config(_nothing, log_config=None))
    for name in ("startup", "main_loop", "on_tick", "shutdown"):
        assert inspect.iscoroutinefunction(getattr(server, name))
    assert server.should_exit is False
    assert server.server_state.tasks == set()
    assert server.server_state.connections == set()
    assert "more_body" in inspect.getsource(RequestResponseCycle.receive)
