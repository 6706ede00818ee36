"""Whatever names, paths, filters and metadata people invent: it works, or is refused with a reason.

Never a 5xx, and what was stored comes back as it was.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.server import OWNER, Installation
from valetkey.catalog.domain.filenames import escape, unescape

_SETTINGS = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
_TEXT = st.text(max_size=40)
_SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    _TEXT,
)
_JSON = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_TEXT, inner, max_size=4),
    max_leaves=12,
)
_FIELDS = st.sampled_from(
    ["id", "filename", "name", "dir", "type", "hidden", "createdAt", "metadata.user.a"]
) | st.builds(lambda key: f"metadata.user.{key}", _TEXT)
_OPERATORS = st.sampled_from(
    ["$eq", "$ne", "$in", "$nin", "$gt", "$gte", "$lt", "$lte", "$exists", "$match", "$where"]
)
_GLOBS = st.text(alphabet="ab/*?[]{}\\%_'\"", max_size=20)
_CONDITIONS = st.builds(
    lambda field, operator, operand: {field: {operator: operand}},
    _FIELDS,
    _OPERATORS,
    st.one_of(_SCALARS, _GLOBS, st.lists(_SCALARS, max_size=3)),
)
_FILTERS = st.one_of(
    st.dictionaries(_TEXT, _JSON, max_size=3),
    st.recursive(
        _CONDITIONS,
        lambda inner: st.builds(
            lambda operator, parts: {operator: parts},
            st.sampled_from(["$and", "$or", "$not"]),
            st.lists(inner, max_size=3),
        ),
        max_leaves=6,
    ),
)


@pytest.fixture(scope="module")
def api(valetkey_server: Installation) -> Iterator[httpx2.Client]:
    headers = {"Authorization": f"Bearer {valetkey_server.token()}"}
    with httpx2.Client(
        base_url=f"{valetkey_server.url}/api/v1", headers=headers, timeout=60
    ) as client:
        yield client


@pytest.fixture(scope="module")
def dataset(valetkey_server: Installation, api: httpx2.Client) -> str:
    """A dataset over the location, with one item of each kind."""
    body = {
        "name": "hostile",
        "projects": [valetkey_server.project_id],
        "driver": valetkey_server.location.id,
    }
    made = api.post("/datasets", json=body)
    assert made.status_code == 201, made.text
    dataset_id = str(made.json()["id"])
    for storage_id in ("train/a.txt", "train/cats/1.txt"):
        answer = api.post(f"/datasets/{dataset_id}/imports", json=[{"storageId": storage_id}])
        assert answer.status_code == 201, answer.text
    return dataset_id


def _answered(answer: httpx2.Response) -> bool:
    """Tell whether it worked; a refusal has a reason."""
    if answer.status_code < 300:
        return True
    assert answer.status_code in {400, 404, 409, 413, 422}, answer.text
    assert answer.json()["message"]
    assert answer.json()["hint"]
    return False


@_SETTINGS
@given(where=_FILTERS, sort=st.none() | st.dictionaries(_TEXT, _TEXT, max_size=2))
def test_filters(api: httpx2.Client, dataset: str, where: Any, sort: Any) -> None:
    answer = api.post(f"/datasets/{dataset}/query", json={"filter": where, "sort": sort})
    if _answered(answer):
        assert {item["datasetId"] for item in answer.json()["items"]} <= {dataset}


@_SETTINGS
@given(metadata=st.dictionaries(_TEXT, _JSON, max_size=3))
def test_metadata(api: httpx2.Client, dataset: str, metadata: dict[str, Any]) -> None:
    [item] = _named(api, dataset, "/a.txt")
    clear = {"metadata": {"user": None}}
    assert api.patch(f"/items/{item['id']}", json=clear).status_code == 200
    answer = api.patch(f"/items/{item['id']}", json={"metadata": {"user": metadata}})
    if _answered(answer):
        kept = api.get(f"/items/{item['id']}").json()["metadata"].get("user", {})
        assert kept == _without_nulls(metadata)


def _without_nulls(value: Any) -> Any:
    """In a merge patch, null removes; within arrays it is a value."""
    if isinstance(value, dict):
        return {key: _without_nulls(part) for key, part in value.items() if part is not None}
    return value


def _named(api: httpx2.Client, dataset: str, filename: str) -> list[Any]:
    answer = api.post(f"/datasets/{dataset}/query", json={"filter": {"filename": [filename]}})
    assert answer.status_code == 200, answer.text
    found: list[Any] = answer.json()["items"]
    return found


_PATHS = st.one_of(
    st.text(min_size=1, max_size=30),
    st.text(alphabet="ab/. \\%*?[ä\u202e😀", min_size=1, max_size=30),
    st.just("x" * 1100),
)


@_SETTINGS
@given(path=_PATHS, body=st.binary(max_size=20))
def test_paths(api: httpx2.Client, dataset: str, path: str, body: bytes) -> None:
    answer = api.post(
        f"/datasets/{dataset}/items",
        params={"mode": "overwrite"},
        data={"type": "file", "path": path},
        files={"file": ("f", body)},
    )
    if _answered(answer):
        item = answer.json()
        # As it is shown: a name that some client would resolve elsewhere is escaped.
        assert item["filename"] == "/" + escape(unescape(path.removeprefix("/")))
        assert item["metadata"]["system"]["size"] == len(body)
        streamed = api.get(f"/items/{item['id']}/stream", params={"proxy": "true"})
        assert streamed.content == body
        api.delete(f"/items/{item['id']}")


@_SETTINGS
@given(name=st.text(max_size=120))
def test_names_of_datasets_and_projects(api: httpx2.Client, dataset: str, name: str) -> None:
    renamed = api.patch(f"/datasets/{dataset}", json={"name": name})
    if _answered(renamed):
        assert api.get(f"/datasets/{dataset}").json()["name"] == renamed.json()["name"]
    project = api.post("/projects", data={"name": name})
    if _answered(project):
        assert api.delete(f"/projects/{project.json()['id']}").status_code < 300


@_SETTINGS
@given(name=st.text(max_size=120))
def test_names_of_drivers_and_integrations(valetkey_server: Installation, name: str) -> None:
    headers = {"Authorization": f"Bearer {valetkey_server.token(OWNER)}"}
    with httpx2.Client(base_url=f"{valetkey_server.url}/api/v1", headers=headers) as owner:
        location = owner.patch(f"/drivers/{valetkey_server.location.id}", json={"name": name})
        if _answered(location):
            assert location.json()["name"] == unicodedata.normalize("NFC", name).strip()
        body = {"integrationId": valetkey_server.integration.id, "name": name}
        integration = owner.patch(f"/orgs/{valetkey_server.org_id}/integrations", json=body)
        if _answered(integration):
            assert integration.json()["name"] == unicodedata.normalize("NFC", name).strip()


@_SETTINGS
@given(path=_PATHS)
def test_folders(api: httpx2.Client, dataset: str, path: str) -> None:
    answer = api.post(f"/datasets/{dataset}/items", data={"type": "dir", "path": path})
    if _answered(answer):
        assert answer.json()["type"] == "dir"
        assert api.delete(f"/items/{answer.json()['id']}").status_code < 300


@_SETTINGS
@given(storage_id=_TEXT)
def test_imports(api: httpx2.Client, dataset: str, storage_id: str) -> None:
    _answered(api.post(f"/datasets/{dataset}/imports", json=[{"storageId": storage_id}]))


@_SETTINGS
@given(item_id=st.text(alphabet="0123456789abcdefxyz%/. ", min_size=1, max_size=30))
def test_ids(api: httpx2.Client, item_id: str) -> None:
    for answer in (api.get(f"/items/{item_id}"), api.delete(f"/items/{item_id}")):
        assert 400 <= answer.status_code < 500 or answer.is_redirect
