"""Making, changing and deleting locations."""

from __future__ import annotations

from datetime import datetime

from hypothesis import strategies as st
from hypothesis.stateful import rule

from support.ledger import NEVER, Known
from support.memory import OWNER
from support.organisation.acting import (
    ACCESS,
    FOLDERS,
    actors,
    below,
    folders,
    lasting,
    levels,
    names,
    people,
    which,
)
from support.organisation.asking import Asking
from valetkey.domain.location import LocationChange, NewLocation
from valetkey.domain.scope import AccessLevel
from valetkey.services.audit import Caller

MOST_ROOTS = 3


class Locating(Asking):
    """Roots are the owner's; everybody tries to make what lies within one, or beyond it."""

    @rule(number=which, folder=folders, access=levels, minutes=lasting)
    def owner_makes_a_root(
        self, number: int, folder: str, access: frozenset[AccessLevel], minutes: int | None
    ) -> None:
        if sum(each.is_root for each in self.ledger.locations) >= MOST_ROOTS:
            return  # or everybody would soon have been given everything
        ends_at = self.until(minutes)
        new = NewLocation(
            name=next(names),
            bucket="acme",
            integration_id=self.integration.id,
            folder=folder,
            access=access,
            ends_at=ends_at,
        )
        project, locations = self.project(number), self.memory.services.locations
        made = self.as_owner(lambda owner: locations.create(owner, project, new))
        assert made is not None
        known = Known(made.id, project, made.prefix, access, ends_at=ends_at or NEVER)
        self.ledger.locations.append(known)

    @rule(number=which, access=levels, minutes=lasting)
    def owner_changes_what_a_root_gives(
        self, number: int, access: frozenset[AccessLevel], minutes: int | None
    ) -> None:
        place = self.place(number)
        if place is None:
            return
        self.change_root(list(place.chain())[-1], access, self.until(minutes))

    def change_root(
        self, root: Known, access: frozenset[AccessLevel], ends_at: datetime | None
    ) -> None:
        change = LocationChange(access=access, ends_at=ends_at)
        locations = self.memory.services.locations
        assert self.as_owner(lambda owner: locations.update(owner, root.id, change))
        root.access, root.ends_at = access, ends_at or NEVER
        self.everybody_asks([each for each in self.ledger.locations if root in each.chain()])

    @rule(actor=actors, number=which)
    def somebody_deletes_a_location(self, actor: str, number: int) -> None:
        place, locations = self.place(number), self.memory.services.locations
        if place is None or (place.is_root and actor == OWNER and number % 3):
            return  # or little would be left

        async def work(caller: Caller) -> bool:
            await locations.delete(caller, place.id)
            return True

        if self.attempt(actor, work):
            assert actor == OWNER or not place.is_root
            assert all(each.parent is not place for each in self.ledger.locations)
            self.ledger.locations.remove(place)
            self.ledger.grants = {
                key: each for key, each in self.ledger.grants.items() if each.place is not place
            }

    @rule(
        number=which,
        person=people,
        parent=which | st.none(),
        folder=below,
        access=levels,
        by_integration=st.booleans(),
        minutes=lasting,
    )
    def somebody_makes_a_location(
        self,
        number: int,
        person: str,
        parent: int | None,
        folder: str,
        access: frozenset[AccessLevel],
        by_integration: bool,
        minutes: int | None,
    ) -> None:
        """Within one that they build with, mostly: it may reach beyond that one in any way."""
        person = self.builder(person, number)
        within = self.place(parent, person) if parent is not None else None
        ends_at = self.until(minutes)
        new = NewLocation(
            name=next(names),
            bucket="acme",
            integration_id=self.integration.id if by_integration else "",
            folder=f"{within.prefix if within else ''}{folder}" or FOLDERS[number % len(FOLDERS)],
            access=access,
            parent_id=within.id if within and number % 4 else "",
            ends_at=ends_at,
        )
        locations = self.memory.services.locations
        project = self.own_project(person, number)
        made = self.attempt(person, lambda caller: locations.create(caller, project, new))
        if made is None:
            return
        around = next(each for each in self.ledger.locations if each.id == made.parent_id)
        assert around.project == project
        known = Known(made.id, project, made.prefix, access, around, person, ends_at or NEVER)
        self.lies_within(known)
        self.ledger.locations.append(known)

    def lies_within(self, place: Known) -> None:
        """A location as it was asked for reaches no further than what it lies within."""
        for around in place.chain():
            assert place.prefix.startswith(around.prefix), f"{place} is beside {around}"
            assert place.access <= around.access, f"{place} gives more than {around}"
            assert place.ends_at <= around.ends_at, f"{place} lasts longer than {around}"

    @rule(person=people, number=which, access=levels, minutes=lasting)
    def somebody_changes_a_location(
        self, person: str, number: int, access: frozenset[AccessLevel], minutes: int | None
    ) -> None:
        person = self.builder(person, number)
        place, ends_at = self.place(number, person), self.until(minutes)
        if place is None:
            return
        change = LocationChange(access=access, ends_at=ends_at)
        locations = self.memory.services.locations
        if self.attempt(person, lambda caller: locations.update(caller, place.id, change)) is None:
            return
        if place.is_root:
            assert (access, ends_at or NEVER) == (place.access, place.ends_at)
            return
        place.access, place.ends_at = access, ends_at or NEVER
        self.lies_within(place)

    def a_root_gives_less_for_a_while(self) -> None:
        """Whoever has something within it asks meanwhile, and once it gives more again."""
        roots = [each for each in self.ledger.locations if each.is_root]
        for root in roots[:1]:
            before = root.access
            for access in (ACCESS[0], before):
                self.change_root(root, access, None)
