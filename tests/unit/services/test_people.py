"""Organisations, projects and members: who may what, and what is never possible."""

from __future__ import annotations

import pytest

from support.memory import OWNER, PASSWORD, Memory
from valetkey.domain.access import OrgRole, Principal, ProjectRole
from valetkey.domain.errors import (
    Conflict,
    Denied,
    InUse,
    InvalidInput,
    NotFound,
    Unauthenticated,
)
from valetkey.domain.people import User
from valetkey.domain.secret import Secret
from valetkey.services.audit import Caller

EVE = "eve@example.com"


async def test_a_new_member_needs_a_first_password(memory: Memory) -> None:
    people, owner = memory.services.people, await memory.caller()
    with pytest.raises(InvalidInput, match="not known here yet"):
        await people.put_org_member(owner, memory.org_id, EVE, OrgRole.MEMBER)
    with pytest.raises(InvalidInput, match="length"):
        await people.put_org_member(
            owner, memory.org_id, EVE, OrgRole.MEMBER, password=Secret("short")
        )
    await people.put_org_member(owner, memory.org_id, EVE, OrgRole.MEMBER, password=PASSWORD)
    emails = [member.email for member in await people.org_members(owner, memory.org_id)]
    assert emails == [OWNER, EVE]


async def test_a_member_keeps_the_password_when_the_role_changes(memory: Memory) -> None:
    await memory.member(EVE, None)
    people, owner = memory.services.people, await memory.caller()
    with pytest.raises(InvalidInput, match="signs in here already"):
        await people.put_org_member(
            owner, memory.org_id, EVE, OrgRole.OWNER, password=Secret("x" * 20)
        )
    await people.put_org_member(owner, memory.org_id, EVE, OrgRole.OWNER)
    assert (await memory.caller(EVE)).principal.org_roles == {memory.org_id: OrgRole.OWNER}


async def test_the_last_owner_can_neither_step_down_nor_leave(memory: Memory) -> None:
    people, owner = memory.services.people, await memory.caller()
    with pytest.raises(Conflict, match="last owner"):
        await people.put_org_member(owner, memory.org_id, OWNER, OrgRole.MEMBER)
    with pytest.raises(Conflict, match="last owner"):
        await people.remove_org_member(owner, memory.org_id, OWNER)
    await memory.member(EVE, None, org_role=OrgRole.OWNER)
    await people.remove_org_member(owner, memory.org_id, OWNER)
    with pytest.raises(Unauthenticated):
        await memory.caller()


async def test_who_leaves_the_organisation_leaves_its_projects(memory: Memory) -> None:
    await memory.member(EVE, ProjectRole.DEVELOPER)
    owner = await memory.caller()
    await memory.services.people.remove_org_member(owner, memory.org_id, EVE)
    members = await memory.services.people.project_members(owner, memory.project.id)
    assert [member.email for member in members] == [OWNER]


async def test_only_members_of_the_organisation_get_a_role_in_its_projects(
    memory: Memory,
) -> None:
    await memory.member(EVE, None)
    owner, people = await memory.caller(), memory.services.people
    await people.remove_org_member(owner, memory.org_id, EVE)
    for email in (EVE, "nobody@example.com"):
        with pytest.raises(NotFound):
            await people.put_project_member(owner, memory.project.id, email, ProjectRole.ANNOTATOR)


async def test_everybody_in_the_organisation_may_make_a_project_and_owns_it(
    memory: Memory,
) -> None:
    eve = await memory.member(EVE, None)
    project = await memory.services.people.create_project(eve, memory.org_id, " Cats ")
    eve = await memory.caller(EVE)
    assert project.name == "Cats"
    assert eve.principal.project_roles == {project.id: ProjectRole.OWNER}
    with pytest.raises(Conflict):
        await memory.services.people.create_project(eve, memory.org_id, "Cats")


async def test_one_sees_ones_own_projects_and_an_owner_sees_all(memory: Memory) -> None:
    eve = await memory.member(EVE, None)
    mine = await memory.services.people.create_project(eve, memory.org_id, "Cats")
    seen = await memory.services.people.projects(await memory.caller(EVE))
    assert [project.id for project in seen] == [mine.id]
    assert len(await memory.services.people.projects(await memory.caller())) == 2


async def test_a_project_with_locations_is_not_deleted(memory: Memory) -> None:
    location = await memory.location()
    owner = await memory.caller()
    with pytest.raises(InUse):
        await memory.services.people.delete_project(owner, memory.project.id)
    await memory.services.locations.delete(owner, location.id)
    await memory.services.people.delete_project(owner, memory.project.id)
    with pytest.raises(NotFound):
        await memory.services.people.project(owner, memory.project.id)


async def test_removing_somebody_who_is_not_there_says_so(memory: Memory) -> None:
    eve = await memory.member(EVE, None)
    owner, people = await memory.caller(), memory.services.people
    with pytest.raises(NotFound):
        await people.remove_project_member(owner, memory.project.id, eve.principal.email)
    with pytest.raises(NotFound):
        await people.remove_org_member(owner, memory.org_id, "nobody@example.com")


async def _refused(memory: Memory, caller: Caller, error: type[Exception]) -> None:
    people, org_id, project_id = memory.services.people, memory.org_id, memory.project.id
    attempts = (
        people.put_org_member(caller, org_id, EVE, OrgRole.OWNER),
        people.remove_org_member(caller, org_id, OWNER),
        people.put_project_member(caller, project_id, EVE, ProjectRole.OWNER),
        people.remove_project_member(caller, project_id, OWNER),
        people.delete_project(caller, project_id),
    )
    for attempt in attempts:
        with pytest.raises(error):
            await attempt


@pytest.mark.parametrize(
    "role", [None, ProjectRole.ANNOTATOR, ProjectRole.ANNOTATION_MANAGER, ProjectRole.DEVELOPER]
)
async def test_who_is_no_owner_manages_nobody_and_the_refusal_is_recorded(
    memory: Memory, role: ProjectRole | None
) -> None:
    eve = await memory.member(EVE, role)
    before = len(memory.actions())
    await _refused(memory, eve, Denied)
    assert [outcome for _, outcome in memory.actions()[before:]] == ["denied"] * 5


async def test_a_stranger_does_not_learn_what_there_is(memory: Memory) -> None:
    somebody = User("9" * 24, EVE, "", memory.clock.now())
    async with memory.storage.begin() as work:
        await work.users.add(somebody)
    eve = Caller(Principal(somebody.id, EVE))
    await _refused(memory, eve, NotFound)
    for attempt in (
        memory.services.people.organization(eve, memory.org_id),
        memory.services.people.org_members(eve, memory.org_id),
        memory.services.people.project(eve, memory.project.id),
        memory.services.people.organization(eve, "0" * 24),
    ):
        with pytest.raises(NotFound):
            await attempt
    assert await memory.services.people.organizations(eve) == []
