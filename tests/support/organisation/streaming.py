"""Datasets over locations, and the bytes of what they index."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import strategies as st
from hypothesis.stateful import rule

from support.ledger import KEYS, Known, Rights, Token
from support.organisation.acting import names, people, which
from support.organisation.asking import Asking
from valetkey.catalog.domain.dataset import Dataset, Item
from valetkey.catalog.services.datasets.datasets import NewDataset
from valetkey.catalog.services.items.streaming import URL_LIFETIME, Elsewhere
from valetkey.domain.credentials import TemporaryCredentials
from valetkey.domain.ids import IdFactory
from valetkey.domain.scope import AccessLevel


@dataclass
class Indexed:
    """A dataset over a place, and the items of the keys below it."""

    place: Known
    items: dict[str, str] = field(default_factory=dict)


class Streaming(Asking):
    """Whoever has a role in a project reads what its datasets index, and nobody else does."""

    def __init__(self) -> None:
        super().__init__()
        self.indexed: list[Indexed] = []

    @rule(person=people, number=which)
    def somebody_makes_a_dataset(self, person: str, number: int) -> None:
        person = self.builder(person, number)
        place, datasets = self.place(number, person), self.memory.services.catalog.datasets
        if place is None:
            return
        new, project = NewDataset(next(names), place.id), place.project
        made = self.attempt(person, lambda caller: datasets.create(caller, project, new))
        if made is not None:
            indexed = Indexed(place)
            self.indexed.append(indexed)
            for key in KEYS:
                if key.startswith(place.prefix):
                    self.run(self.index(indexed, made.dataset, key))

    async def index(self, indexed: Indexed, dataset: Dataset, key: str) -> None:
        """Put an item where a sync would."""
        new_id: IdFactory = self.memory.parts.new_id
        path = key.removeprefix(indexed.place.prefix)
        item = Item(
            new_id(), dataset.id, path, 1, "e", "text/plain", "", self.now, self.now, self.now
        )
        async with self.memory.storage.begin() as work:
            await work.items.put(dataset, item, touched_ms=1)
        self.memory.objects.buckets["acme"][key] = b"x"
        indexed.items[key] = item.id

    def readable(self, person: str | Token, place: Known) -> Rights:
        """What somebody may read through datasets of a place's project: all that the owner gave
        to it, if they have any role in it. A token that carries less than all reads none."""
        token = person if isinstance(person, Token) else None
        who = token.person if token else str(person)
        if who not in self.ledger.members or (place.project, who) not in self.ledger.roles:
            return {}
        rights = self.ledger.base(place.project, self.now)
        if token is None:
            return rights
        is_good = token in self.ledger.tokens and token.ends_at > self.now and token.is_wide
        return {r: min(end, token.ends_at) for r, end in rights.items()} if is_good else {}

    @rule(person=people, token=which | st.none(), number=which, key=which, proxied=st.booleans())
    def somebody_streams(
        self, person: str, token: int | None, number: int, key: int, proxied: bool
    ) -> None:
        if not self.indexed:
            return
        who: str | Token = person
        tokens = [*self.ledger.tokens, *self.ledger.ended[-1:]]
        if token is not None and tokens:
            who = tokens[-1 - token % len(tokens)]
        indexed = self.indexed[-1 - number % len(self.indexed)]
        if indexed.items:
            self.streams(who, indexed, list(indexed.items)[key % len(indexed.items)], proxied)

    def streams(self, who: str | Token, indexed: Indexed, key: str, proxied: bool) -> None:
        streaming, item_id = self.memory.services.catalog.items.streaming, indexed.items[key]
        opened = self.attempt(who, lambda caller: streaming.open(caller, item_id, proxied=proxied))
        if opened is None:
            self.reach("a stream refused")
            return
        rights, right = self.readable(who, indexed.place), (key, AccessLevel.READ)
        assert right in rights, f"{who} reads {key}"
        if isinstance(opened, Elsewhere):
            used = self.memory.objects.used[-1]
            assert isinstance(used, TemporaryCredentials)
            ends = min(used.expires_at, self.now + URL_LIFETIME)
            assert ends <= rights[right], f"{who} reads {key} until {ends}: {rights[right]}"
        token = isinstance(who, Token)
        self.reach("a stream with a token" if token else "a stream")
