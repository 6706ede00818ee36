"""Whoever kills and stops processes at random, and whoever works meanwhile and keeps count."""

from __future__ import annotations

import random
import signal
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

import httpx2

from support.bucket_truth import Bucket
from support.fleet import LONG, Process

API: Final = "/api/v1"
#: A process has so long between two mishaps, in seconds, and stands still for at most so long: more
#: than any lease but a rotation's.
_PEACE: Final = (3.0, 25.0)
_STANDSTILL: Final = 30.0


class Companion(threading.Thread, ABC):
    """Does one thing after another until it is stopped. What it did not expect is kept."""

    def __init__(self, name: str, chance: random.Random) -> None:
        super().__init__(name=name)
        self.chance = chance
        self.stopping = threading.Event()
        self.problems: list[str] = []

    def run(self) -> None:
        while not self.stopping.is_set():
            try:
                self.step()
            except httpx2.HTTPError:
                self.stopping.wait(0.2)  # killed, or it stands still: until it is back
            except Exception as error:  # noqa: BLE001  # told at the end
                self.problems.append(f"{self.name}: {error!r}")
                return

    @abstractmethod
    def step(self) -> None:
        """Do one thing."""


class Tormentor(Companion):
    """Kills a process and starts it again, or stops it for a while."""

    def __init__(self, victim: Process, name: str, chance: random.Random) -> None:
        super().__init__(name, chance)
        self._victim = victim
        self.did = {"kill": 0, "stop": 0}

    def step(self) -> None:
        if self.stopping.wait(self.chance.uniform(*_PEACE)):
            return
        if self.chance.random() < 0.5:  # as often as not
            self._victim.kill()
            self._victim.start()
            self.did["kill"] += 1
        else:
            assert self._victim.process is not None
            self._victim.process.send_signal(signal.SIGSTOP)
            try:
                self.stopping.wait(self.chance.uniform(0.1, 1) ** 2 * _STANDSTILL)
            finally:
                self._victim.process.send_signal(signal.SIGCONT)
            self.did["stop"] += 1


class Visitor(Companion, ABC):
    """Asks a server."""

    def __init__(self, url: str, token: str, name: str, chance: random.Random) -> None:
        super().__init__(name, chance)
        self._http = httpx2.Client(base_url=url, headers={"authorization": token}, timeout=LONG)

    def run(self) -> None:
        with self._http:
            super().run()


class Writer(Visitor):
    """Writes, overwrites and deletes objects that nobody else touches. ``may_be`` is what each can
    hold by the answers: one thing, if the last one was a success."""

    def __init__(
        self, url: str, token: str, dataset_id: str, name: str, chance: random.Random
    ) -> None:
        super().__init__(url, token, name, chance)
        self._dataset = f"{API}/datasets/{dataset_id}"
        self._ids: dict[str, str] = {}
        self.may_be: dict[str, set[bytes | None]] = {}
        self.done = 0

    def step(self) -> None:
        path = f"{self.name}/{self.chance.randrange(40):03}"
        known = self.may_be.setdefault(path, {None})
        if path in self._ids and self.chance.random() < 0.3:  # three of ten
            known.add(None)
            answer = self._http.delete(f"{API}/items/{self._ids.pop(path)}")
            body = None
        else:
            body = self.chance.randbytes(self.chance.randrange(1, 200))
            known.add(body)
            answer = self._http.post(
                f"{self._dataset}/items",
                params={"mode": "overwrite"},
                data={"type": "file", "path": "/" + path},
                files={"file": ("f", body)},
            )
        if answer.is_success:
            self.may_be[path] = {body}
            self.done += 1
            if body is not None:
                self._ids[path] = answer.json()["id"]
        self.stopping.wait(0.05 if answer.is_success else 0.5)


class Orderer(Visitor):
    """Orders something again and again; ``ordered`` are the ids of what was accepted."""

    def __init__(
        self, url: str, token: str, path: str, chance: random.Random, **body: object
    ) -> None:
        super().__init__(url, token, path, chance)
        self._path, self._body = path, body
        self.ordered: list[str] = []

    def step(self) -> None:
        answer = self._http.post(self._path, json=self._body)
        if answer.is_success and answer.json()["id"] not in self.ordered:
            self.ordered.append(answer.json()["id"])
        self.stopping.wait(self.chance.uniform(1, 5))


class Owner(Companion):
    """Changes the bucket behind everybody's back."""

    def __init__(self, bucket: Bucket, paths: Sequence[str], chance: random.Random) -> None:
        super().__init__("the bucket's owner", chance)
        self._bucket, self._paths = bucket, paths

    def step(self) -> None:
        self._bucket.put(self.chance.sample(self._paths, 10), self.chance.randbytes(9))
        self._bucket.delete(self.chance.sample(self._paths, 5))
        self.stopping.wait(self.chance.uniform(0.5, 2))


@dataclass
class Company:
    """Companions that work side by side."""

    of: list[Companion] = field(default_factory=list)

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Have them work until the block ends."""
        for each in self.of:
            each.start()
        try:
            yield
        finally:
            for each in self.of:
                each.stopping.set()
            for each in self.of:
                each.join(2 * LONG)
        assert [problem for each in self.of for problem in each.problems] == []
