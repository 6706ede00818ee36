"""Starting and stopping the stand-in: one per process, on loopback, on a port of the system's."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import socket
import threading
from types import SimpleNamespace, TracebackType
from typing import Any, Final, Self

import botocore.session
from botocore.config import Config

from valetkey.domain.credentials import AccessKey
from valetkey.domain.secret import Secret
from valetkey.embedded.faults import Faults
from valetkey.embedded.guard import BOOTSTRAP_HEADER, Guard
from valetkey.embedded.requests import Call

_REGION: Final = "us-east-1"
_ROOT_KEY: Final = "root"
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
        self._root_secret = secrets.token_hex(20)
        self._guard: Guard | None = None
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
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
    def calls(self) -> list[Call]:
        """The calls that came through the guard, oldest first."""
        return self._running().calls

    def start(self) -> None:
        """Serve, and make the administrator; returns once requests are answered."""
        app = _ministack(self._root_secret)
        self._guard = Guard(app, _ROOT_KEY, self._token)
        listening = socket.create_server(("127.0.0.1", self._port))
        self.endpoint = f"http://127.0.0.1:{listening.getsockname()[1]}"
        started = threading.Event()
        self._thread = threading.Thread(
            target=self._serve, args=(listening, started), name="embedded-aws", daemon=True
        )
        self._thread.start()
        started.wait()
        self._bootstrap()

    def stop(self) -> None:
        """Stop serving, and wait until it has."""
        self.faults.clear()
        if self._loop is not None and self._stop is not None and self._thread is not None:
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join(timeout=10)
        self._thread = None
        _wipe()

    def reset(self) -> None:
        """Forget everything but the server itself; the administrator gets a new key."""
        guard = self._running()
        guard.faults.clear()
        guard.calls.clear()
        _wipe()
        self._bootstrap()

    def _running(self) -> Guard:
        if self._guard is None:
            raise RuntimeError("the embedded AWS is not running")
        return self._guard

    def _serve(self, listening: socket.socket, started: threading.Event) -> None:
        from hypercorn.asyncio import serve  # noqa: PLC0415  # loads slowly, and only here
        from hypercorn.config import Config as ServerConfig  # noqa: PLC0415

        config = ServerConfig()
        config.bind = [f"fd://{listening.detach()}"]
        config.accesslog = None
        config.errorlog = None
        config.graceful_timeout = 0.2
        config.keep_alive_timeout = 60
        # A connection that breaks is a fault that was ordered; the log would only repeat it.
        logging.getLogger("hypercorn.error").setLevel(logging.CRITICAL)

        async def main() -> None:
            self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
            asyncio.get_running_loop().call_soon(started.set)
            app: Any = self._guard
            await serve(app, config, shutdown_trigger=self._stop.wait)

        asyncio.run(main())

    def _bootstrap(self) -> None:
        session = botocore.session.Session()
        client: Any = session.create_client(
            "iam",
            region_name=_REGION,
            endpoint_url=self.endpoint,
            aws_access_key_id=_ROOT_KEY,
            aws_secret_access_key=self._root_secret,
            config=Config(retries={"total_max_attempts": 5}),
        )

        def mark(request: Any, **_: Any) -> None:
            request.headers[BOOTSTRAP_HEADER] = self._token

        client.meta.events.register("before-send.iam", mark)
        client.create_user(UserName=_ADMINISTRATOR)
        client.put_user_policy(
            UserName=_ADMINISTRATOR, PolicyName="everything", PolicyDocument=_ADMIN_POLICY
        )
        made = client.create_access_key(UserName=_ADMINISTRATOR)["AccessKey"]
        client.close()
        self.administrator = AccessKey(made["AccessKeyId"], Secret(made["SecretAccessKey"]))


def _ministack(root_secret: str) -> Any:
    """Import MiniStack with its enforcement on, and its root key fixed to one that nobody knows.

    It reads AUTH when it is imported, and the root key from the environment at every request:
    there the key of whoever runs the tests may stand, which would then be root here.
    """
    before = os.environ.get("AUTH")
    os.environ["AUTH"] = "true"
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    try:
        from ministack import app as module  # noqa: PLC0415
        from ministack.core import iam_evaluator  # noqa: PLC0415
    finally:
        # Importing it configures the root logger, which is not its business here.
        root.handlers[:], root.level = handlers, level
        if before is None:
            del os.environ["AUTH"]
        else:
            os.environ["AUTH"] = before
    logging.getLogger("ministack").setLevel(logging.CRITICAL)
    environment = {"AWS_ACCESS_KEY_ID": _ROOT_KEY, "AWS_SECRET_ACCESS_KEY": root_secret}
    iam_evaluator.os = SimpleNamespace(environ=environment)
    return module.app


def _wipe() -> None:
    from ministack.app import _reset_all_state  # noqa: PLC0415

    _reset_all_state()
