"""The command: all of it once, or a server that stays."""

from __future__ import annotations

import asyncio
import signal
import threading
import time
from pathlib import Path
from typing import Annotated, Final

from cyclopts import Parameter

from valetkey import logs
from valetkey.cli import show
from valetkey.cli.common import Flag
from valetkey.cli.demo.example import example_objects
from valetkey.cli.demo.setting_up import BUCKET, set_up
from valetkey.cli.demo.story import Story
from valetkey.cli.demo.using import Bucket
from valetkey.cli.demo.world import ORGANIZATION, OWNER, World, new_world, serving, start_first
from valetkey.cli.logins import write_private
from valetkey.counting import counted
from valetkey.domain.credentials import AccessKey
from valetkey.sdk.client import Client
from valetkey.wire.locations import Location

#: Where `valetkey serve` listens too, so that the commands find the server that stays.
_PORT: Final = 8484
_TTL: Final = 900


def demo(
    *,
    stay: Flag = False,
    port: int | None = None,
    as_json: Annotated[bool, Parameter(name="--json", negative=())] = False,
) -> None:
    """Show the whole way on an AWS that runs inside the demo and enforces IAM. Nothing stays.

    Parameters
    ----------
    stay
        Keep the server and its AWS running until Ctrl-C, with example data.
    port
        The server's port; 0 lets the system choose (default: 0, with --stay 8484).
    as_json
        Print JSON.
    """
    started = time.monotonic()
    # The demo tells its own story; a server's log of every request would only interrupt it.
    logs.configure(level="error")
    story = Story(quiet=as_json or stay)
    if stay:
        show.say("Starting an AWS and a server, with example data: a few seconds.")
    chosen = port if port is not None else _PORT if stay else 0
    with new_world(chosen) as world:
        story.chapter("An AWS of its own, and a server")
        story.tell(f"An AWS that enforces IAM listens on {world.aws.endpoint}.")
        start_first(world)
        story.tell(f"First start: the organisation {ORGANIZATION} and its owner {OWNER}.")
        with serving(world.settings) as facts:
            story.tell(f"The server listens on {facts['url']}, over {facts['database']}.")
            with _log_in(world, facts["url"]) as client:
                _tell(story, world, client, started)
                if stay:
                    _index(client, client.locations.get(BUCKET))
                    _stay(world, facts, as_json=as_json)
                elif as_json:
                    show.write_json([{"title": c.title, "lines": c.lines} for c in story.chapters])


def _log_in(world: World, url: str) -> Client:
    with Client(url) as nobody:
        token = nobody.accounts.create_login(email=OWNER, password=world.password).token
    write_private(_token_file(world), [token.encode()])
    return Client(url, token)


def _token_file(world: World) -> Path:
    return world.folder / "token"


def _tell(story: Story, world: World, client: Client, started: float) -> None:
    endpoint = world.aws.endpoint
    key = asyncio.run(set_up(story, client.url, _token_file(world), endpoint))
    administrator = Bucket.with_key(BUCKET, endpoint, world.aws.administrator)
    for name, body, kind in example_objects():
        administrator.write(name, body, kind)
    location = client.locations.get(BUCKET)
    _verify(story, client, location)
    _inside_and_outside(story, client)
    _narrowed(story, client)
    _key_alone(story, endpoint, key)
    story.chapter("In one line")
    seconds = time.monotonic() - started
    story.tell(
        f"From nothing to temporary credentials that open s3://{BUCKET}/train/ and nothing else, "
        f"in {seconds:.1f} s; every step of the page was really made, used and, where it must be, "
        "refused.",
        mark="done",
    )


def _verify(story: Story, client: Client, location: Location) -> None:
    story.chapter("Verify: each claim is tried by using it")
    integration = client.integrations.get(location.integration_id or "")
    report = client.locations.verify(location.id)
    for check in report.checks:
        if check.outcome == "passed":
            story.tell(check.claim)
        elif check.outcome == "failed" and check.advisory:
            story.tell(f"Advice: {check.cause}", mark="--")
    skipped = [check.name for check in report.checks if check.outcome == "skipped"]
    if skipped:
        story.tell(f"Nothing to look at here for: {', '.join(skipped)}.", mark="--")
    story.require(
        report.passed,
        f"Verified: the integration {integration.name}, the location {location.name} through it.",
        "a check failed.",
    )


def _inside_and_outside(story: Story, client: Client) -> None:
    story.chapter("Temporary credentials for one folder: train/, to list, read and write")
    vended = client.location(BUCKET).credentials(["train/"], ["list", "read", "write"], _TTL)
    story.tell(
        f"{vended.access_key_id}, until {show.moment(vended.expires_at)}: "
        f"{', '.join(vended.access)} in s3://{BUCKET}/{vended.prefixes[0]}"
    )
    bucket = Bucket.of(vended)
    listed = bucket.list("train/")
    story.require(
        bool(listed.result),
        f"Listed train/: {counted(len(listed.result or []), 'object')}.",
        listed.said,
    )
    read = bucket.read("train/readme.txt")
    story.require(bool(read.result), f"Read train/readme.txt: {_text(read.result)}", read.said)
    wrote = bucket.write("train/new.txt", b"written with temporary credentials")
    story.require(bool(wrote.result), "Wrote train/new.txt.", wrote.said)
    outside = bucket.read("private/salaries.csv")
    story.require(
        outside.denied,
        "Reading private/salaries.csv, outside: refused (AccessDenied).",
        outside.said,
    )
    beyond = bucket.list("private/")
    story.require(beyond.denied, "Listing private/, outside: refused (AccessDenied).", beyond.said)


def _text(body: bytes | None) -> str:
    return (body or b"").decode().strip()


def _narrowed(story: Story, client: Client) -> None:
    story.chapter("Narrowed to read")
    vended = client.location(BUCKET).credentials(["train/"], ["read"], _TTL)
    bucket = Bucket.of(vended)
    read = bucket.read("train/readme.txt")
    story.require(bool(read.result), "Reading train/readme.txt still works.", read.said)
    wrote = bucket.write("train/new.txt", b"overwritten")
    story.require(wrote.denied, "Writing train/new.txt: refused (AccessDenied).", wrote.said)


def _key_alone(story: Story, endpoint: str, key: AccessKey) -> None:
    story.chapter("The integration's own key, without the role")
    bucket = Bucket.with_key(BUCKET, endpoint, key)
    read, listed = bucket.read("train/readme.txt"), bucket.list("train/")
    story.require(
        read.denied and listed.denied,
        f"{key.id} alone can neither read nor list: refused (AccessDenied).",
        f"reading: {read.said}; listing: {listed.said}",
    )


def _index(client: Client, location: Location) -> None:
    """Make a dataset of the location's objects, for the console to show."""
    dataset = client.datasets.create(
        name="example", project_id=location.project_id, location_id=location.id
    )
    client.datasets.create_sync(dataset.id)


def _stay(world: World, facts: dict[str, str], *, as_json: bool) -> None:
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    shown = facts | {
        "aws": world.aws.endpoint,
        "location": BUCKET,
        "email": OWNER,
        "password": world.password,
    }
    if as_json:
        show.write_json(shown)
    else:
        show.facts(list(shown.items()))
        show.say(f"Try: valetkey login --url {facts['url']} --email {OWNER}")
        show.say(f"     valetkey credentials {BUCKET} --prefix train/ --access list,read")
        show.say("Ctrl-C stops it, and nothing stays.")
    stop.wait()
