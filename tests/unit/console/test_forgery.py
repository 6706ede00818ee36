"""Every request that changes something, as another site would send it."""

from __future__ import annotations

import pytest

from support.apps import framework_of
from support.console import ORIGIN, Visitor
from valetkey.api.app import ApiOptions
from valetkey.console.csrf import from_here


def changing_routes() -> list[str]:
    return sorted(
        route.path.replace(":str", "").replace(":path", "")
        for route in framework_of(ApiOptions(), console=True).routes
        if "POST" in route.methods
        and route.path.startswith("/console/")
        and route.path != "/console/signin"
    )


ROUTES = changing_routes()


def test_the_table_has_every_page() -> None:
    assert "/console/integrations" in ROUTES
    assert len(ROUTES) > 15


@pytest.mark.parametrize("path", ROUTES)
async def test_a_form_of_another_site_changes_nothing(owner: Visitor, path: str) -> None:
    token = await owner.token()
    before = owner.memory.actions()
    attacks: list[tuple[dict[str, str], dict[str, str]]] = [
        ({}, {"Origin": ORIGIN}),
        ({"csrf": "00" * 32}, {"Origin": ORIGIN}),
        ({"csrf": token}, {"Origin": "https://evil.example"}),
        ({"csrf": token}, {"Origin": "null"}),
        ({"csrf": token}, {"Sec-Fetch-Site": "cross-site"}),
        ({"csrf": token}, {"Sec-Fetch-Site": "same-site", "Origin": ORIGIN}),
    ]
    for form, headers in attacks:
        response = await owner.http.post(path, data=form, headers=headers)
        assert response.status_code == 403, (form, headers)
    assert owner.memory.actions() == before


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, True),
        ({"origin": "https://a.example", "host": "a.example"}, True),
        ({"origin": "https://a.example.evil", "host": "a.example"}, False),
        ({"sec-fetch-site": "none"}, True),
        ({"sec-fetch-site": "same-origin"}, True),
        ({"sec-fetch-site": "same-site"}, False),
    ],
)
def test_a_browser_says_where_a_request_comes_from(headers: dict[str, str], expected: bool) -> None:
    assert from_here(headers) is expected
