"""A running Valetkey: real HTTP on loopback, SQLite, the embedded AWS behind it.

``valetkey_server`` is made once per test module, with a bucket of a few objects, an integration,
a location on the folder ``train/``, and somebody of each role. It empties the embedded AWS when it
starts, so a module uses either it or ``embedded_aws``, never both: ``valetkey_server.aws`` is the
same AWS.
"""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import Coroutine, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar

import pytest

from support.aws import GoodSetup, client, make_setup
from support.real_api import EMAIL, PASSWORD, make_installation, settings_for
from valetkey.api import create_app
from valetkey.bootstrap import WiredServices, open_services
from valetkey.config import Settings
from valetkey.console import Console
from valetkey.embedded import EmbeddedAws
from valetkey.sdk import Client
from valetkey.serving import reserve, serve
from valetkey.wire.integrations import Integration
from valetkey.wire.locations import Location
from valetkey.wire.projects import ProjectRole

T = TypeVar("T")
OWNER: Final = EMAIL
DEVELOPER: Final = "grace@example.com"
ANNOTATOR: Final = "joan@example.com"
LOCATION: Final = "training images"
FOLDER: Final = "train/"
#: What is in the bucket; two objects are outside the location's folder.
OBJECTS: Final[Mapping[str, bytes]] = {
    "train/a.txt": b"a",
    "train/cats/1.txt": b"cat one",
    "train/cats/2.txt": b"cat two",
    "train/table.csv": b"name,legs\ncat,4\nhen,2\n",
    "training/near.txt": b"its folder's name begins as the location's does",
    "other/secret.txt": b"not the location's",
}


@dataclass
class Running:
    """A server in a thread with a loop of its own, and what is behind it."""

    url: str
    services: WiredServices
    loop: asyncio.AbstractEventLoop
    stop: asyncio.Event

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the server's loop, where its database connections live."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(90)


@contextmanager
def running_server(settings: Settings) -> Iterator[Running]:
    """Serve what the settings say until the block ends. The database must be initialised."""
    started: Future[Running] = Future()
    thread = threading.Thread(target=_serve, args=(settings, started), name="valetkey-server")
    thread.start()
    running = started.result(90)
    try:
        yield running
    finally:
        running.loop.call_soon_threadsafe(running.stop.set)
        thread.join(60)
        gc.collect()  # a server is circles, of 75,000 objects


def _serve(settings: Settings, started: Future[Running]) -> None:
    async def main() -> None:
        async with open_services(settings) as services:
            app = create_app(services, services.catalog, pages=Console())
            stop, held = asyncio.Event(), reserve("127.0.0.1", 0)

            def ready(port: int) -> None:
                url = f"http://127.0.0.1:{port}"
                started.set_result(Running(url, services, asyncio.get_running_loop(), stop))

            await serve(app, held, ready=ready, stop=stop, shortcut=app)

    try:
        asyncio.run(main())
    except BaseException as error:
        if started.done():
            raise
        started.set_exception(error)


@dataclass
class Installation:
    """A running Valetkey with people, an integration and a location."""

    running: Running
    aws: EmbeddedAws
    setup: GoodSetup
    settings: Settings
    org_id: str = ""
    project_id: str = ""
    integration: Integration = field(init=False)
    location: Location = field(init=False)
    tokens: dict[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return self.running.url

    def token(self, email: str = DEVELOPER) -> str:
        """The token of somebody who has logged in. It is good for the tests' time."""
        if email not in self.tokens:
            with Client(self.url) as nobody:
                made = nobody.accounts.create_login(email=email, password=PASSWORD)
                self.tokens[email] = made.token
        return self.tokens[email]

    def client(self, email: str = DEVELOPER, **more: Any) -> Client:
        """A blocking client of somebody's; close it."""
        return Client(self.url, self.token(email), **more)

    def make_people(self) -> None:
        with self.client(OWNER) as owner:
            me = owner.accounts.get_me()
            self.org_id, self.project_id = me.orgs[0].id, me.projects[0].id
            roles: tuple[tuple[str, ProjectRole], ...] = (
                (DEVELOPER, "developer"),
                (ANNOTATOR, "annotator"),
            )
            for email, role in roles:
                owner.orgs.add_member(self.org_id, email=email, role="member", password=PASSWORD)
                owner.projects.put_member(self.project_id, email, role=role)

    def make_first_location(self) -> None:
        key = self.setup.key
        with self.client(OWNER) as owner:
            self.integration = owner.integrations.create(
                name="acme",
                access_key_id=key.id,
                secret_access_key=key.secret.reveal(),
                role_arn=self.setup.role_arn,
            )
            self.location = self.make_location(owner, LOCATION, folder=FOLDER)

    def make_location(
        self, owner: Client, name: str, *, folder: str | None = None, endpoint: str | None = ""
    ) -> Location:
        """Make a root; without an ``endpoint`` of its own, at the embedded AWS."""
        return owner.locations.create(
            name=name,
            bucket=self.setup.bucket,
            project_id=self.project_id,
            integration_id=self.integration.id,
            folder=folder,
            endpoint=self.aws.endpoint if endpoint == "" else endpoint,
        )


@contextmanager
def installation(aws: EmbeddedAws, folder: Path, name: str = "acme-data") -> Iterator[Installation]:
    """Empty the embedded AWS, and run a Valetkey over it until the block ends."""
    aws.reset()
    setup = make_setup(aws, name)
    bucket = client(aws, "s3")
    for key, body in OBJECTS.items():
        bucket.put_object(Bucket=setup.bucket, Key=key, Body=body)
    settings = settings_for(folder, aws.endpoint, allowed_endpoint_hosts=("127.0.0.1",))
    asyncio.run(make_installation(settings, OWNER, PASSWORD))
    with running_server(settings) as running:
        made = Installation(running, aws, setup, settings)
        made.make_people()
        made.make_first_location()
        yield made


@pytest.fixture(scope="module")
def valetkey_server(
    _running_aws: EmbeddedAws, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installation]:
    """A running Valetkey over the embedded AWS, the same for all tests of a module."""
    with installation(_running_aws, tmp_path_factory.mktemp("valetkey")) as made:
        yield made
