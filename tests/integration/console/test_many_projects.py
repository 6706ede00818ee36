"""The console of an organisation with thousands of projects: what a page asks of the database, and
what it shows, does not grow with their number."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, cast

import pytest
from sqlalchemy import Engine, event

from support.console import Visitor, visitor_of
from support.databases import make_tables
from support.memory import Memory, open_memory
from valetkey.catalog.db.storage import SqlCatalogStorage
from valetkey.catalog.domain.dataset import Dataset
from valetkey.domain.access import ProjectRole
from valetkey.domain.location import Location
from valetkey.domain.people import ProjectMember

PAGES: Final = (
    "",
    "/integrations",
    "/locations",
    "/locations/new",
    "/datasets",
    "/datasets/new",
    "/credentials",
    "/projects",
    "/people",
    "/tokens",
    "/leases",
    "/audit",
)
FEW: Final = 3
MANY: Final = 2_000
#: Bytes that a page may have: as much as a hundred rows and a menu of a hundred.
MOST_BYTES: Final = 150_000


@pytest.fixture
async def memory(tmp_path: Path) -> AsyncIterator[Memory]:
    """The real services on SQLite."""
    url = f"sqlite:///{tmp_path}/valetkey.db"
    await make_tables(url)
    storage = SqlCatalogStorage.at(url)
    yield await open_memory(storage)
    await storage.close()


async def add_projects(memory: Memory, location: Location, numbers: range) -> None:
    """Make projects of the owner, each with a location and a dataset over it."""
    storage = cast("Any", memory.storage)
    owner = (await memory.caller()).principal
    new_id, now = memory.parts.new_id, memory.clock.now()
    async with storage.begin() as work:
        for number in numbers:
            project = replace(memory.project, id=new_id(), name=f"project {number}")
            place = replace(
                location, id=new_id(), project_id=project.id, name=f"place {number}", version=1
            )
            await work.projects.add(project)
            await work.projects.put_member(
                ProjectMember(project.id, owner.user_id, owner.email, ProjectRole.OWNER)
            )
            await work.locations.add(place)
            await work.datasets.add(
                Dataset(
                    id=new_id(),
                    project_id=project.id,
                    name=f"set {number}",
                    location_id=place.id,
                    creator=owner.email,
                    created_at=now,
                    updated_at=now,
                )
            )


@contextmanager
def counted() -> Iterator[list[str]]:
    """Hear of each statement that is sent to a database."""
    seen: list[str] = []

    def see(_: Any, __: Any, statement: str, *___: Any) -> None:
        seen.append(statement)

    event.listen(Engine, "before_cursor_execute", see)
    try:
        yield seen
    finally:
        event.remove(Engine, "before_cursor_execute", see)


async def statements(visitor: Visitor) -> dict[str, int]:
    """Visit every page, and count what each asks of the database."""
    counts = {}
    for path in PAGES:
        with counted() as seen:
            answer = await visitor.get(path, headers={"HX-Request": "true"})
        assert answer.status_code == 200, path
        assert len(answer.content) < MOST_BYTES, path
        assert answer.text.count("<tr>") <= 102, path
        assert answer.text.count("<option") <= 110, path
        counts[path] = len(seen)
    return counts


async def test_no_page_asks_more_of_the_database_or_shows_more_for_more_projects(
    memory: Memory,
) -> None:
    location = await memory.location()
    await add_projects(memory, location, range(FEW))
    visitor = visitor_of(memory)
    await visitor.sign_in()
    await statements(visitor)  # what is kept from then on is kept
    few = await statements(visitor)
    await add_projects(memory, location, range(FEW, MANY))
    many = await statements(visitor)
    grown = {path: (few[path], many[path]) for path in PAGES if many[path] > few[path] + 3}
    await visitor.http.aclose()
    assert grown == {}


async def test_what_is_not_on_the_first_page_is_found_by_its_name(memory: Memory) -> None:
    location = await memory.location()
    await add_projects(memory, location, range(150))
    visitor = visitor_of(memory)
    await visitor.sign_in()
    for path, name in (("/locations", "place"), ("/datasets", "set"), ("/projects", "project")):
        found = (await visitor.get(f"{path}?q={name}+149")).text
        assert f"{name} 149" in found
        assert f"{name} 148<" not in found
        second = (await visitor.get(f"{path}?page=1")).text
        assert "Previous" in second
        assert "Next" not in second
    order = {"location": "place 149", "folders": "", "access": "list", "ttl": "900"}
    vended = await visitor.post("/credentials", order)
    assert "Credentials for place 149" in vended.text
    made = await visitor.post("/datasets", {"name": "by name", "location": "place 148"})
    assert "done=dataset-created" in made.headers["hx-redirect"]
    await visitor.http.aclose()
