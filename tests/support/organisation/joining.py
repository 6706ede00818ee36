"""Coming, going, and roles in projects."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import rule

from support.memory import OWNER, PASSWORD
from support.organisation.acting import actors, names, people, roles, which
from support.organisation.asking import Asking
from valetkey.domain.access import OrgRole, ProjectRole
from valetkey.services.audit import Caller


class Joining(Asking):
    """The owner lets people in and out; owners of projects give roles."""

    @rule(minutes=st.sampled_from((1, 12, 40)))
    def time_passes(self, minutes: int) -> None:
        self.memory.clock.advance(60 * minutes)

    @rule(person=people)
    def join(self, person: str) -> None:
        services, org_id = self.memory.services, self.memory.org_id

        async def work(owner: Caller) -> None:
            await services.people.put_org_member(
                owner, org_id, person, OrgRole.MEMBER, password=PASSWORD
            )

        self.as_owner(work)
        self.ledger.members.add(person)

    @rule(person=people)
    def leave(self, person: str) -> None:
        people = self.memory.services.people
        self.as_owner(lambda owner: people.remove_org_member(owner, self.memory.org_id, person))
        lost = self.places_of(person)
        self.ledger.forget(person)
        for token in self.ledger.ended[-2:]:
            self.asks_for_all(token, lost)

    @rule(person=people)
    def leave_and_come_back(self, person: str) -> None:
        """With the same roles, and nothing else of what there was."""
        lost, roles = self.places_of(person), dict(self.ledger.roles)
        self.leave(person)
        self.join(person)
        self.asks_for_all(person, lost)
        for (project, somebody), role in roles.items():
            if somebody == person:
                self.somebody_gives_a_role(OWNER, self.projects.index(project), person, role)
        for token in self.ledger.ended[-2:]:
            self.asks_for_all(token, lost)

    @rule(actor=actors, number=which, person=people, role=roles)
    def somebody_gives_a_role(
        self, actor: str, number: int, person: str, role: ProjectRole
    ) -> None:
        project, people = self.project(number), self.memory.services.people
        done = self.attempt(actor, lambda it: people.put_project_member(it, project, person, role))
        if done is not None:
            assert actor == OWNER or self.ledger.owns(actor, project)
            assert person in self.ledger.members
            self.ledger.roles[project, person] = role

    @rule(actor=actors, number=which, person=people)
    def somebody_takes_a_role(self, actor: str, number: int, person: str) -> None:
        project, people = self.project(number), self.memory.services.people

        async def work(caller: Caller) -> bool:
            await people.remove_project_member(caller, project, person)
            return True

        if self.attempt(actor, work) is None:
            return
        assert actor == OWNER or self.ledger.owns(actor, project)
        lost = self.places_of(person)
        self.ledger.roles.pop((project, person), None)
        self.ledger.grants = {
            key: each
            for key, each in self.ledger.grants.items()
            if (each.person, each.place.project) != (person, project)
        }
        own = {each.id for each in self.ledger.locations if each.project == project}
        self.ledger.end(
            [
                each
                for each in self.ledger.tokens
                if each.person == person
                and each.places is not None
                and all(place.id in own for place in each.places)
            ]
        )
        self.asks_for_all(person, lost)

    @rule(person=people)
    def somebody_makes_a_project(self, person: str) -> None:
        services, org_id = self.memory.services, self.memory.org_id
        made = self.attempt(
            person, lambda caller: services.people.create_project(caller, org_id, next(names))
        )
        if made is not None:
            self.projects.append(made.id)
            self.ledger.roles[made.id, person] = ProjectRole.OWNER
