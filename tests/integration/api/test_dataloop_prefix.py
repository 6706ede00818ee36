"""Dataloop's API is at a prefix of its own; what is outside of it says so, whatever the method."""

from __future__ import annotations

from collections.abc import Iterator

import httpx2
import pytest

from support.fuzzed import Served, serving_doubles


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with serving_doubles() as found:
        yield found


@pytest.mark.parametrize(
    "path", ["/projects", "/orgs", "/users/me", "/drivers?projectId={project_id}"]
)
def test_it_answers_at_its_own_prefix_and_for_one_more_release_at_the_old_one(
    served: Served, path: str
) -> None:
    path = path.format(**served.known)
    own = httpx2.get(f"{served.url}/dataloop/api/v1{path}", headers=served.headers)
    old = httpx2.get(f"{served.url}/api/v1{path}", headers=served.headers)
    assert own.status_code == old.status_code == 200
    assert own.json() == old.json()
    assert not {"deprecation", "sunset"} & own.headers.keys()
    assert old.headers["deprecation"].startswith("@")
    assert old.headers["sunset"].endswith("GMT")
    assert "/dataloop/api/v1" in old.headers["link"]


def test_errors_at_the_old_address_say_that_it_goes_too(served: Served) -> None:
    answer = httpx2.get(f"{served.url}/api/v1/projects")
    assert answer.status_code == 401
    assert answer.headers["sunset"]
    assert httpx2.get(f"{served.url}/dataloop/api/v1/projects").status_code == 401


def test_links_lead_back_to_where_the_client_came_from(served: Served) -> None:
    body = {"filter": {}, "systemSpace": True}
    url = f"{served.url}/dataloop/api/v1/datasets/query"
    [dataset, *_] = httpx2.post(url, json=body, headers=served.headers).json()["items"]
    assert dataset["url"].startswith(f"{served.url}/dataloop/api/v1/datasets/")


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"])
@pytest.mark.parametrize(
    "path",
    [
        "/annotations",
        "/tasks/query",
        "/pipelines/5",
        "/items/x/annotations",
        "/models",
        "/projects/x/y/z",
    ],
)
@pytest.mark.parametrize("prefix", ["/dataloop/api/v1", "/api/v1"])
def test_what_is_outside_is_a_404_that_names_the_guide(
    served: Served, prefix: str, path: str, method: str
) -> None:
    answer = httpx2.request(method, served.url + prefix + path, headers=served.headers)
    assert answer.status_code == 404
    if method != "HEAD":
        said = answer.json()
        assert "annotations, recipes" in said["message"]
        assert "docs/guides/dataloop.md" in said["hint"]


def test_a_method_that_an_address_does_not_have_is_a_404_too(served: Served) -> None:
    answer = httpx2.put(f"{served.url}/dataloop/api/v1/projects", headers=served.headers, json={})
    assert answer.status_code == 404
