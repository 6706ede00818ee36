"""A dataset that names no location goes to the project's default one, to a folder of its own."""

from __future__ import annotations

import pytest

from support.memory import Memory
from valetkey.catalog.services.datasets.datasets import NewDataset
from valetkey.domain.access import ProjectRole
from valetkey.domain.errors import Conflict, Denied, InvalidInput


async def test_without_a_default_it_is_said_how_to_set_one(memory: Memory) -> None:
    owner = await memory.caller()
    with pytest.raises(InvalidInput) as refused:
        await memory.services.catalog.datasets.create(owner, memory.project.id, NewDataset("x"))
    assert "defaultDriver" in refused.value.hint


async def test_each_dataset_has_a_folder_of_its_own_that_its_developer_may_use(
    memory: Memory,
) -> None:
    location = await memory.location()
    owner = await memory.caller()
    people, datasets = memory.services.people, memory.services.catalog.datasets
    await people.update_project(owner, memory.project.id, default_location_id=location.id)
    developer = await memory.member("grace@example.com", ProjectRole.DEVELOPER)
    made = [
        await datasets.create(developer, memory.project.id, NewDataset(name))
        for name in ("cats", "dogs", "x" * 255)
    ]
    own = [
        await memory.services.locations.get(developer, view.dataset.location_id) for view in made
    ]
    assert len({each.prefix for each in own}) == len(own)
    assert all(each.prefix.startswith(f"{location.prefix}datasets/") for each in own)
    assert {each.parent_id for each in own} == {location.id}
    with pytest.raises(Conflict):
        await datasets.create(developer, memory.project.id, NewDataset("cats"))


async def test_the_projects_owner_sets_it_and_only_to_what_the_project_has(memory: Memory) -> None:
    location = await memory.location()
    people, project = memory.services.people, memory.project.id
    developer = await memory.member("grace@example.com", ProjectRole.DEVELOPER)
    with pytest.raises(Denied):
        await people.update_project(developer, project, default_location_id=location.id)
    owner = await memory.caller()
    with pytest.raises(InvalidInput):
        await people.update_project(owner, project, default_location_id="f" * 24)
    changed = await people.update_project(owner, project, default_location_id=location.id)
    assert changed.default_location_id == location.id
    assert (
        await people.update_project(owner, project, default_location_id="")
    ).default_location_id == ""
