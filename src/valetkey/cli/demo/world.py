"""An AWS and a server of the demo's own, in a folder that is gone afterwards."""

from __future__ import annotations

import asyncio
import os
import secrets
import tempfile
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from valetkey.administration import first_start
from valetkey.cli.server import host_services
from valetkey.cli.settings import describe
from valetkey.config import Settings
from valetkey.domain.secret import Secret
from valetkey.embedded import EmbeddedAws

REGION: Final = "eu-central-1"
OWNER: Final = "owner@example.com"
ORGANIZATION: Final = "Demo"


@dataclass(frozen=True, slots=True)
class World:
    """What there is before the reference page begins. ``password`` is the owner's."""

    aws: EmbeddedAws
    folder: Path
    settings: Settings
    password: str

    def __repr__(self) -> str:
        return f"<World {self.folder}>"


@contextmanager
def new_world(port: int) -> Iterator[World]:
    """Start an AWS, and make what a server needs; the administrator of that AWS is who runs us."""
    with tempfile.TemporaryDirectory(prefix="valetkey-demo-") as name, EmbeddedAws() as aws:
        folder = Path(name)
        settings = Settings(
            data_dir=folder,
            port=port,
            sts_endpoint=aws.endpoint,
            iam_endpoint=aws.endpoint,
            s3_endpoint=aws.endpoint,
            aws_region=REGION,
            allowed_endpoint_hosts=("127.0.0.1",),
        )
        with _environment(_administrator(aws, folder)):
            yield World(aws, folder, settings, secrets.token_urlsafe(12))


def _administrator(aws: EmbeddedAws, folder: Path) -> dict[str, str]:
    """The variables by which `setup aws` finds an administrator; nobody else's AWS is in reach."""
    return {
        "AWS_ENDPOINT_URL": aws.endpoint,
        "AWS_ACCESS_KEY_ID": aws.administrator.id,
        "AWS_SECRET_ACCESS_KEY": aws.administrator.secret.reveal(),
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_DEFAULT_REGION": REGION,
        "NO_PROXY": "127.0.0.1",
        "XDG_STATE_HOME": str(folder / "state"),
    }


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    """Change the process's environment for a while; what leads to another AWS is taken away."""
    before = dict(os.environ)
    for name in [name for name in os.environ if name.startswith(("AWS_", "VALETKEY_"))]:
        del os.environ[name]
    os.environ.update(values)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def start_first(world: World) -> None:
    """Make the key, the tables, the organisation and its owner."""
    password = Secret(world.password)
    asyncio.run(
        first_start(world.settings, organization=ORGANIZATION, email=OWNER, password=password)
    )


@contextmanager
def serving(settings: Settings) -> Iterator[dict[str, str]]:
    """Serve from a thread until the block ends; gives the server's facts, ``url`` among them.

    Raises what serving raises, such as ConfigurationError for a taken port.
    """
    up: Future[dict[str, str]] = Future()
    handles: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = Future()

    async def main() -> None:
        stop = asyncio.Event()
        handles.set_result((asyncio.get_running_loop(), stop))
        await host_services(
            settings, ready=lambda port: up.set_result(describe(settings, port)), stop=stop
        )

    def run() -> None:
        try:
            asyncio.run(main())
        except BaseException as error:
            if up.done():
                raise
            up.set_exception(error)

    thread = threading.Thread(target=run, name="valetkey-server")
    thread.start()
    try:
        yield up.result()
    finally:
        loop, stop = handles.result()
        if thread.is_alive():
            loop.call_soon_threadsafe(stop.set)
        thread.join()
