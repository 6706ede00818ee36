"""Names as long as they may be, without a space to break at: no page and no panel gets wider than
its window, and what can be pressed stays within it."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page

from support.browser import sign_in, watched_page
from support.server import OWNER, Installation

LONG = "W" * 255
SIZES = ({"width": 1280, "height": 900}, {"width": 390, "height": 780})
OUTSIDE = """() => [...document.querySelectorAll("dialog[open], dialog[open] button, h1, .top *")]
  .map(it => [it, it.getBoundingClientRect()])
  .filter(([it, box]) => box.width && (box.left < -1 || box.right > innerWidth + 1))
  .map(([it]) => it.outerHTML.slice(0, 80))"""


@pytest.fixture(scope="module")
def long_things(valetkey_server: Installation) -> list[tuple[str, str]]:
    """Pages of things with long names, and the button there that opens a panel."""
    here = valetkey_server
    with here.client(OWNER) as owner:
        project = owner.projects.create(name=LONG)
        owner.groups.create(here.org_id, name=LONG)
        owner.tokens.create(name="W" * 200)
        location = owner.locations.create(
            name=LONG,
            bucket=here.setup.bucket,
            folder="train/" + "w" * 600 + "/",
            project_id=here.project_id,
            parent_id=here.location.id,
        )
        dataset = owner.datasets.create(
            name=LONG, project_id=here.project_id, location_id=location.id
        )
        owner.service_accounts.create(project_id=project.id, name="w" * 60, role="developer")
        owner.grants.create(
            location.id, prefixes=[""], access=["read"], group=LONG, reason="W" * 255
        )
    return [
        ("/console", ""),
        (f"/console/locations/{location.id}", "Delete"),
        ("/console/locations", f"Delete {LONG}"),
        (f"/console/datasets/{dataset.id}", "Delete dataset"),
        ("/console/datasets", "Create dataset"),
        (f"/console/projects/{project.id}", ""),
        ("/console/projects", ""),
        ("/console/people", ""),
        ("/console/tokens", ""),
        ("/console/leases", ""),
        ("/console/audit", ""),
        (f"/console/credentials?location={location.id}", ""),
        (f"/console/integrations/{here.integration.id}", "Delete"),
    ]


@pytest.mark.parametrize("size", SIZES, ids=["desk", "telephone"])
def test_long_names_leave_every_page_and_panel_within_its_window(
    browser: Browser,
    valetkey_server: Installation,
    long_things: list[tuple[str, str]],
    size: dict[str, int],
) -> None:
    with watched_page(
        browser,
        valetkey_server.url,
        expected=("status of 4",),
        viewport=size,
        reduced_motion="reduce",  # a panel that slides in is outside at first
    ) as page:
        sign_in(page, OWNER)
        found = {path: problems(page, path, button) for path, button in long_things}
        assert {path: each for path, each in found.items() if each} == {}


def problems(page: Page, path: str, button: str) -> list[str]:
    page.goto(path)
    if button:
        page.get_by_role("button", name=button, exact=True).first.click()
        page.locator("dialog[open]").wait_for()
    width = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    outside: list[str] = page.evaluate(OUTSIDE)
    return outside + ([f"the page is {width} too wide"] if width > 1 else [])
