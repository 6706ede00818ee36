"""Two Valetkeys over one bucket share no database, and so no intent: what keeps their writers
apart are the store's conditional writes. Nothing that either answered is lost.

One acts between any two of the other's calls to the bucket. What the bucket holds in the end must
be what one after the other would have left, with just the answers that were given.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from itertools import permutations

import pytest

from support.desk import Desk, make_desk, sent
from support.memory import open_memory
from valetkey.catalog.services.items.uploading import Mode, NewItem
from valetkey.domain.errors import ValetkeyError
from valetkey.testing import FakeObjectStore
from valetkey.testing.buckets import etag_of

pytestmark = pytest.mark.slow

OLD, MOVED, THEIRS = b"old!", b"moved on", b"theirs"
Bucket = dict[str, bytes]


@dataclass
class Writer:
    """Somebody who works in an installation of their own; ``source`` is what they would move."""

    desk: Desk
    body: bytes
    source: str
    source_id: str = ""

    async def upload(self, mode: Mode = Mode.OVERWRITE, replaces: str = "") -> str:
        uploading = self.desk.items.uploading
        where, body, identical = NewItem("p"), sent(self.body), mode is Mode.SKIP
        _, operation = await uploading.upload(
            *(self.desk.developer, self.desk.dataset_id, where, body),
            mode=mode,
            replaces=replaces,
            identical=identical,
        )
        return operation.value


@dataclass(frozen=True)
class Verb:
    """Something that is done to the object ``p``, and what it makes of a bucket when nobody else
    is there: None where it could not have been answered so."""

    act: Callable[[Writer], Awaitable[str]]
    alone: Callable[[Bucket, Writer, str], Bucket | None]


async def overwrite(writer: Writer) -> str:
    return await writer.upload()


async def skip(writer: Writer) -> str:
    return await writer.upload(Mode.SKIP)


async def replace_old(writer: Writer) -> str:
    return await writer.upload(replaces=etag_of(OLD))


async def move_onto(writer: Writer) -> str:
    desk = writer.desk
    await desk.items.moving.rename(desk.developer, writer.source_id, "p")
    return "moved"


async def write_source(writer: Writer) -> str:
    # By a client of S3, to where the other one's object is that may be moved.
    writer.desk.memory.objects.place("acme", writer.desk.prefix + "r", THEIRS)
    return "written"


async def delete(writer: Writer) -> str:
    writer.desk.bucket.pop(writer.desk.prefix + "p", None)  # by a client of S3
    return "deleted"


def _uploaded(bucket: Bucket, writer: Writer, answer: str) -> Bucket | None:
    there = bucket.get("p")
    if answer == "skip":
        return bucket if there == writer.body else None
    return bucket | {"p": writer.body} if (answer == "overwrite") == (there is not None) else None


def _replaced(bucket: Bucket, writer: Writer, _: str) -> Bucket | None:
    return bucket | {"p": writer.body} if bucket.get("p") == OLD else None


def _moved(bucket: Bucket, writer: Writer, _: str) -> Bucket | None:
    if "p" in bucket:
        return None
    left = {name: body for name, body in bucket.items() if name != writer.source}
    return left | {"p": bucket[writer.source]}


VERBS = {
    "overwrite": Verb(overwrite, _uploaded),
    "skip": Verb(skip, _uploaded),
    "replace": Verb(replace_old, _replaced),
    "move": Verb(move_onto, _moved),
}
RIVALS = VERBS | {
    "delete": Verb(
        delete, lambda bucket, *_: {name: body for name, body in bucket.items() if name != "p"}
    ),
    "write source": Verb(write_source, lambda bucket, *_: bucket | {"r": THEIRS}),
}


async def meeting(start: Bucket) -> tuple[Writer, Writer]:
    """Two writers, each with an object to move, over one bucket that holds this as well."""
    first = await make_desk(await open_memory())
    shared: FakeObjectStore = first.memory.objects
    other = await make_desk(await open_memory(make_objects=lambda *_: shared))
    writers = Writer(first, b"1st!", "r"), Writer(other, b"2nd!", "s")
    for writer in writers:
        item, _ = await writer.desk.upload(writer.source, MOVED + writer.body)
        writer.source_id = item.id
    for name, body in start.items():
        shared.place("acme", first.prefix + name, body)
    return writers


def now(writer: Writer) -> Bucket:
    desk = writer.desk
    return {key.removeprefix(desk.prefix): body for key, body in desk.bucket.items()}


async def answer_of(verb: Verb, writer: Writer) -> str:
    try:
        return await verb.act(writer)
    except ValetkeyError as error:
        return f"refused: {error.message}"


async def play(name: str, rival: str, start: Bucket, step: int) -> bool:
    """Have the rival act at a step of the other's; tell whether there was such a step."""
    first, second = await meeting(start)
    before = now(first)
    steps, told = 0, ""

    async def meet(_operation: str, _key: str) -> None:
        nonlocal steps, told
        steps += 1
        first.desk.memory.clock.advance(0.003)
        if steps == step:
            told = await answer_of(RIVALS[rival], second)

    objects = first.desk.memory.objects
    objects.before = objects.after = meet
    answer = await answer_of(VERBS[name], first)
    objects.before = objects.after = None
    done = [(VERBS[name], first, answer), (RIVALS[rival], second, told)]
    done = [one for one in done if one[2] and not one[2].startswith("refused")]
    left = now(first)
    for order in permutations(done):
        state: Bucket | None = before
        for verb, writer, said in order:
            state = verb.alone(state, writer, said) if state is not None else None
        if state == left:
            return bool(told)
    raise AssertionError(f"{name} {answer!r}, {rival} {told!r} at step {step} left {left}")


@pytest.mark.parametrize("there", [True, False])
@pytest.mark.parametrize("rival", RIVALS)
@pytest.mark.parametrize("name", VERBS)
async def test_no_success_is_lost_between_two_installations(
    name: str, rival: str, *, there: bool
) -> None:
    start = {"p": OLD} if there else {}
    for step in range(1, 40):
        if not await play(name, rival, start, step):
            assert step > 1
            return
    raise AssertionError("it never ends")
