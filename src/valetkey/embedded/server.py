"""Starting and stopping the stand-in: one per process, on loopback, on a port of the system's."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import socket
import threading
from concurrent.futures import Future
from datetime import timedelta
from types import SimpleNamespace, TracebackType
from typing import Any, Final, Self

import botocore.session
from botocore.config import Config

from valetkey.domain.credentials import AccessKey
from valetkey.domain.secret import Secret
from valetkey.embedded.faults import Faults
from valetkey.embedded.guard import BOOTSTRAP_HEADER, Guard
from valetkey.embedded.policy_patterns import teach_literals
from valetkey.embedded.requests import StandInCall

_REGION: Final = "us-east-1"
_ADMINISTRATOR: Final = "administrator"
_ADMIN_POLICY: Final = (
    '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}'
)


class EmbeddedAws:
    """An AWS for the demo and the tests: MiniStack behind the guard, IAM enforced.

    A test double. Its state is the process's: start one at a time.
    """

    def __init__(self, *, port: int = 0) -> None:
        self._port = port
        self._token = secrets.token_hex(32)
        self._root = AccessKey(f"root-{secrets.token_hex(16)}", Secret(secrets.token_hex(20)))
        self._guard: Guard | None = None
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._root_client: Any = None
        self.endpoint = ""
        self.administrator = AccessKey("", Secret(""))

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def faults(self) -> Faults:
        """The faults that befall coming calls."""
        return self._running().faults

    @property
    def calls(self) -> list[StandInCall]:
        """The calls that came through the guard, oldest first."""
        return self._running().calls

    def count(self, action: str) -> int:
        """Return how often an action (``AssumeRole``, ``GET object``) was asked for."""
        return sum(call.action == action for call in self.calls)

    @property
    def clock_offset(self) -> timedelta:
        """How far this AWS's clock is ahead of the machine's; expiry times are not moved."""
        return self._running().clock_offset

    @clock_offset.setter
    def clock_offset(self, offset: timedelta) -> None:
        self._running().clock_offset = offset

    def start(self) -> None:
        """Serve, and make the administrator; returns once requests are answered."""
        self._guard = Guard(_ministack(self._root), self._token)
        listening = socket.create_server(("127.0.0.1", self._port))
        self.endpoint = f"http://127.0.0.1:{listening.getsockname()[1]}"
        started: Future[None] = Future()
        self._thread = threading.Thread(
            target=self._serve, args=(listening, started), name="embedded-aws", daemon=True
        )
        self._thread.start()
        started.result()
        self._root_client = self._make_root_client()
        self._bootstrap()

    def stop(self) -> None:
        """Stop serving, and wait until it has."""
        self.faults.clear()
        if self._loop is not None and self._stop is not None and self._thread is not None:
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join(timeout=10)
        if self._root_client is not None:
            self._root_client.close()
        self._thread = None
        _wipe()

    def reset(self) -> None:
        """Forget everything but the server itself; the administrator gets a new key."""
        guard = self._running()
        guard.faults.clear()
        guard.calls.clear()
        guard.clock_offset = timedelta()
        _wipe()
        self._bootstrap()

    def _running(self) -> Guard:
        if self._guard is None:
            raise RuntimeError("the embedded AWS is not running")
        return self._guard

    def _serve(self, listening: socket.socket, started: Future[None]) -> None:
        async def main() -> None:
            self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
            asyncio.get_running_loop().call_soon(started.set_result, None)
            app: Any = self._guard
            await serve(app, config, shutdown_trigger=self._stop.wait)

        try:
            from hypercorn.asyncio import serve  # noqa: PLC0415  # loads slowly, and only here

            config = _server_config(listening)
            asyncio.run(main())
        except BaseException as error:
            if started.done():
                raise
            started.set_exception(error)

    def _bootstrap(self) -> None:
        root = self._root_client
        root.create_user(UserName=_ADMINISTRATOR)
        root.put_user_policy(
            UserName=_ADMINISTRATOR, PolicyName="everything", PolicyDocument=_ADMIN_POLICY
        )
        made = root.create_access_key(UserName=_ADMINISTRATOR)["AccessKey"]
        self.administrator = AccessKey(made["AccessKeyId"], Secret(made["SecretAccessKey"]))

    def _make_root_client(self) -> Any:
        """A client takes a tenth of a second to make, so that it is kept for resets."""
        client: Any = botocore.session.Session().create_client(
            "iam",
            region_name=_REGION,
            endpoint_url=self.endpoint,
            aws_access_key_id=self._root.id,
            aws_secret_access_key=self._root.secret.reveal(),
            config=Config(retries={"total_max_attempts": 5}, proxies={}),
        )

        def mark(request: Any, **_: Any) -> None:
            request.headers[BOOTSTRAP_HEADER] = self._token

        client.meta.events.register("before-send.iam", mark)
        return client


def _server_config(listening: socket.socket) -> Any:
    from hypercorn.config import Config as ServerConfig  # noqa: PLC0415

    config = ServerConfig()
    config.bind = [f"fd://{listening.detach()}"]
    config.accesslog = None
    config.errorlog = None
    config.graceful_timeout = 0.2
    config.keep_alive_timeout = 60
    config.include_date_header = False  # the guard's is the only one
    # A connection that breaks is a fault that was ordered; the log would only repeat it.
    logging.getLogger("hypercorn.error").setLevel(logging.CRITICAL)
    return config


def _ministack(root: AccessKey) -> Any:
    """Import MiniStack with its enforcement on, and its root key fixed to one that nobody knows.

    It reads AUTH when it is imported, and the root key from the environment at every request:
    there the key of whoever runs the tests may stand, which would then be root here.
    """
    before = os.environ.get("AUTH")
    os.environ["AUTH"] = "true"
    log = logging.getLogger()
    handlers, level = list(log.handlers), log.level
    try:
        from ministack import app as module  # noqa: PLC0415
        from ministack.core import iam_evaluator  # noqa: PLC0415
    finally:
        # Importing it configures the root logger, which is not its business here.
        log.handlers[:], log.level = handlers, level
        if before is None:
            del os.environ["AUTH"]
        else:
            os.environ["AUTH"] = before
    logging.getLogger("ministack").setLevel(logging.CRITICAL)
    environment = {"AWS_ACCESS_KEY_ID": root.id, "AWS_SECRET_ACCESS_KEY": root.secret.reveal()}
    iam_evaluator.os = SimpleNamespace(environ=environment)
    teach_literals(iam_evaluator)
    return module.app


def _wipe() -> None:
    from ministack.app import _reset_all_state  # noqa: PLC0415

    _reset_all_state()
