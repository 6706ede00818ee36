"""Granting folders of locations, to somebody or to a group, and taking that back."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import rule

from support.ledger import NEVER, Given, opened
from support.memory import OWNER
from support.organisation.acting import ACCESS, actors, below, lasting, levels, names, people, which
from support.organisation.asking import Asking
from valetkey.domain.grants import SubjectKind
from valetkey.domain.scope import AccessLevel
from valetkey.services.audit import Caller
from valetkey.services.grants import NewGrant

MOST_GROUPS = 2


class Granting(Asking):
    """Grants are given by owners of a project, groups made by the organisation's owner."""

    @rule(
        actor=actors,
        number=which,
        person=people,
        to_group=which | st.none(),
        folder=below,
        access=levels,
        minutes=lasting,
    )
    def somebody_grants(
        self,
        actor: str,
        number: int,
        person: str,
        to_group: int | None,
        folder: str,
        access: frozenset[AccessLevel],
        minutes: int | None,
    ) -> None:
        place = self.place(number)
        if place is None:
            return
        ends_at = self.until(minutes)
        kind, subject = SubjectKind.USER, person
        if to_group is not None and self.ledger.groups:
            kind, subject = SubjectKind.GROUP, self.group(to_group)
        new = NewGrant(kind, subject, (folder,), access, ends_at=ends_at)
        grants = self.memory.services.grants
        made = self.attempt(actor, lambda caller: grants.create(caller, place.id, new))
        if made is not None:
            assert actor == OWNER or self.ledger.owns(actor, place.project)
            assert kind is SubjectKind.GROUP or person in self.ledger.members
            prefix = place.prefix + (f"{folder}/" if folder else "")
            self.ledger.grants[made.id] = Given(
                subject, place, opened(prefix, access), ends_at or NEVER
            )

    @rule(actor=actors, number=which)
    def somebody_takes_a_grant_back(self, actor: str, number: int) -> None:
        if not self.ledger.grants:
            return
        grant_id = list(self.ledger.grants)[number % len(self.ledger.grants)]
        place, grants = self.ledger.grants[grant_id].place, self.memory.services.grants

        async def work(caller: Caller) -> bool:
            await grants.delete(caller, place.id, grant_id)
            return True

        if self.attempt(actor, work):
            assert actor == OWNER or self.ledger.owns(actor, place.project)
            del self.ledger.grants[grant_id]

    def group(self, number: int) -> str:
        return list(self.ledger.groups)[number % len(self.ledger.groups)]

    @rule(actor=actors, number=which, person=people)
    def somebody_makes_a_group(self, actor: str, number: int, person: str) -> None:
        """With somebody in it, and a folder of a place for whoever is."""
        grants, org_id = self.memory.services.grants, self.memory.org_id
        if len(self.ledger.groups) >= MOST_GROUPS:
            return
        made = self.attempt(actor, lambda who: grants.create_group(who, org_id, next(names)))
        if made is not None:
            assert actor == OWNER
            self.ledger.groups[made.id] = set()
            self.somebody_puts_into_a_group(actor, -1, person)
            to_group = len(self.ledger.groups) - 1
            self.somebody_grants(OWNER, number, person, to_group, "", ACCESS[2], None)

    @rule(actor=actors, number=which, person=people)
    def somebody_puts_into_a_group(self, actor: str, number: int, person: str) -> None:
        if not self.ledger.groups:
            return
        grants, org_id, group = self.memory.services.grants, self.memory.org_id, self.group(number)
        if self.attempt(actor, lambda who: grants.put_member(who, org_id, group, person)):
            assert actor == OWNER
            assert person in self.ledger.members
            self.ledger.groups[group].add(person)
            self.asks_for_all(person, self.places_of(person))

    @rule(actor=actors, number=which, person=people)
    def somebody_takes_out_of_a_group(self, actor: str, number: int, person: str) -> None:
        if not self.ledger.groups:
            return
        grants, org_id, group = self.memory.services.grants, self.memory.org_id, self.group(number)
        if self.attempt(actor, lambda who: grants.remove_member(who, org_id, group, person)):
            assert actor == OWNER
            lost = self.places_of(person)
            self.ledger.groups[group].discard(person)
            self.asks_for_all(person, lost)

    @rule(actor=actors, number=which)
    def somebody_deletes_a_group(self, actor: str, number: int) -> None:
        if not self.ledger.groups:
            return
        grants, org_id, group = self.memory.services.grants, self.memory.org_id, self.group(number)
        if self.attempt(actor, lambda who: grants.delete_group(who, org_id, group)):
            assert actor == OWNER
            lost = {person: self.places_of(person) for person in self.ledger.groups.pop(group)}
            self.ledger.grants = {
                key: each for key, each in self.ledger.grants.items() if each.person != group
            }
            for person, places in lost.items():
                self.asks_for_all(person, places)
