"""Answers that take several calls: finding things by name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Protocol, TypeVar

from valetkey.sdk import calls
from valetkey.sdk.calls import Call, Flow, Page
from valetkey.sdk.errors import ApiError, Denied, InvalidRequest, NotFound
from valetkey.sdk.models import Dataset, DriverInfo, Integration, Membership, Project
from valetkey.sdk.sending import call
from valetkey.wire import locations
from valetkey.wire.base import Page as WirePage

T = TypeVar("T")


class _Named(Protocol):
    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...


N = TypeVar("N", bound=_Named)


def find_org(wanted: str = "") -> Flow[Membership]:
    """Find an organisation by name or id; without one, the only one. Raises NotFound,
    InvalidRequest."""
    me = yield calls.me()
    found: Membership = _one(me.orgs, wanted, "organisation", "org")
    return found


def find_project(wanted: str = "") -> Flow[Project]:
    """Find a project by name or id; without one, the only one."""
    projects: list[Project] = yield calls.list_projects()
    return _one(projects, wanted, "project", "project")


def find_integration(wanted: str, org: str = "") -> Flow[Integration]:
    """Find an integration by name or id."""
    owner = yield from find_org(org)
    found: list[Integration] = yield calls.list_integrations(owner.id)
    return _one(found, wanted, "integration", "name")


def find_driver(wanted: str, project: str = "") -> Flow[DriverInfo]:
    """Find a driver by name or id, in a project or in all of one's own: in one request, unless
    several have the name, or none."""
    if wanted and not project:
        query = locations.LocationsQuery(name=wanted, limit=2)
        page: WirePage[locations.Location] = yield call(locations.LIST_LOCATIONS, query=query)
        if len(page.items) == 1:
            return _driver(page.items[0])
    projects: list[Project] = yield calls.list_projects()
    if project:
        projects = [_one(projects, project, "project", "project")]
    found: list[DriverInfo] = []
    refusal: ApiError | None = None
    for each in projects:
        try:
            found += yield calls.list_drivers(each.id)
        except Denied as error:
            refusal = error
    if refusal is not None and not found:
        raise refusal
    return _one(found, wanted, "driver", "project")


def _driver(location: locations.Location) -> DriverInfo:
    return DriverInfo(
        id=location.id,
        name=location.name,
        bucket_name=location.bucket,
        region=location.region or "",
        path=location.folder or "",
        endpoint=location.endpoint or "",
        client_endpoint=location.client_endpoint or "",
        storage_class=location.storage_class or "",
        integration_id=location.integration_id or "",
        project_id=location.project_id,
        allow_external_delete=location.allow_external_delete,
        kms_key_arn=location.kms_key_arn or "",
        shared_sessions=location.shared_sessions,
        requester_pays=location.requester_pays,
        created_at=location.created_at,
        creator=location.creator or "",
    )


def all_drivers(project: str = "") -> Flow[list[DriverInfo]]:
    """List the drivers of a project, or of all of one's own."""
    projects: list[Project] = yield calls.list_projects()
    if project:
        projects = [_one(projects, project, "project", "project")]
    found: list[DriverInfo] = []
    for each in projects:
        found += yield calls.list_drivers(each.id)
    return found


def all_datasets(project: str = "") -> Flow[list[Dataset]]:
    """List the datasets of a project, or of all of one's own."""
    projects: list[Project] = yield calls.list_projects()
    if project:
        projects = [_one(projects, project, "project", "project")]
    found: list[Dataset] = []
    for each in projects:
        number, more = 0, True
        while more:
            page: calls.DatasetsPage = yield calls.list_datasets(each.id, number)
            found += page.items
            number, more = number + 1, page.has_next_page
    return found


def find_dataset(wanted: str, project: str = "") -> Flow[Dataset]:
    """Find a dataset by name or id, in a project or in all of one's own."""
    found = yield from all_datasets(project)
    return _one(found, wanted, "dataset", "project")


def pages(first: Call[Page[T]], limit: int) -> Flow[list[T]]:
    """Collect up to ``limit`` entries of a list that comes in pages."""
    collected: list[T] = []
    query: dict[str, Any] = dict(first.query)
    while len(collected) < limit:
        page: Page[T] = yield Call(first.method, first.path, first.result, query=query)
        collected += page.items
        if page.next is None or not page.items:
            break
        query = query | {"after": page.next}
    return collected[:limit]


def _one(items: Sequence[N], wanted: str, kind: str, option: str) -> N:
    matching = [item for item in items if not wanted or wanted in {item.id, item.name}]
    if len(matching) == 1:
        return matching[0]
    if matching:
        raise InvalidRequest(
            f"There are several of the {kind}s to choose from: {_names(matching)}.",
            hint=f"Say which ({option}), by its id where names are equal.",
        )
    if not wanted:
        raise NotFound(f"There is no {kind} that you may use.", hint="Ask an owner for a role.")
    raise NotFound(
        f"There is no {kind} {wanted!r} that you may use.",
        hint=f"There is: {_names(items)}." if items else "There is none at all yet.",
    )


def _names(items: Iterable[_Named]) -> str:
    return ", ".join(sorted(f"{item.name} ({item.id})" for item in items))


__all__ = [
    "all_datasets",
    "all_drivers",
    "find_dataset",
    "find_driver",
    "find_integration",
    "find_org",
    "find_project",
    "pages",
]
