"""Every page, for everybody: readable by a screen reader, in light and dark, at any width."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from support.aws import client
from support.browser import sign_in, watched_page
from support.pictures import png
from support.server import FOLDER, OWNER, Installation

PAGES = (
    "/console",
    "/console/integrations",
    "/console/integrations/{integration}",
    "/console/locations",
    "/console/locations/{location}",
    "/console/leases",
    "/console/datasets",
    "/console/datasets/{dataset}",
    "/console/datasets/{dataset}?view=grid",
    "/console/credentials",
    "/console/audit",
    "/console/people",
    "/console/tokens",
    "/console/projects",
    "/console/projects/{project}",
    "/console/nowhere",
)
#: Panels and dialogs: the page, and the button that opens it.
PANELS = (
    ("/console/integrations", "Create Integration"),
    ("/console/integrations/{integration}", "Delete"),
    ("/console/locations", "Create location"),
    ("/console/locations/{location}", "Revoke, or block"),
    ("/console/locations", "Delete training images"),
    ("/console/locations", "Test training images"),
    ("/console/integrations/{integration}", "Rotate the key"),
    ("/console/datasets", "Create dataset"),
    ("/console/people", "Password link for grace"),
    ("/console/people", "Remove grace"),
    ("/console/datasets/{dataset}", "Delete dataset"),
    ("/console/datasets/{dataset}", "/a.txt"),
    ("/console/datasets/{dataset}?view=grid", "picture.png"),
)
NARROW = 360


@pytest.fixture(scope="module")
def dataset(browser: Browser, valetkey_server: Installation) -> str:
    """The id of a dataset that is in line with its bucket."""
    client(valetkey_server.aws, "s3").put_object(
        Bucket=valetkey_server.setup.bucket, Key=f"{FOLDER}picture.png", Body=png(3)
    )
    with watched_page(browser, valetkey_server.url) as page:
        sign_in(page, OWNER)
        page.goto("/console/datasets")
        page.get_by_role("button", name="Create dataset").click()
        page.get_by_label("Name").fill("everything")
        page.get_by_role("dialog").get_by_role("button", name="Create dataset").click()
        page.get_by_role("button", name="Sync now").click()
        expect(page.locator("#items")).to_contain_text("picture.png")
        return page.url.partition("?")[0].rpartition("/")[2]


@pytest.fixture(scope="module", params=["light", "dark"])
def reader(
    request: pytest.FixtureRequest, browser: Browser, valetkey_server: Installation
) -> Iterator[Page]:
    """The owner, signed in, with either taste."""
    options = {"color_scheme": request.param, "reduced_motion": "reduce"}
    with watched_page(
        browser,
        valetkey_server.url,
        others=(valetkey_server.aws.endpoint,),
        expected=("404",),
        **options,
    ) as page:
        sign_in(page, OWNER)
        yield page


def address(path: str, server: Installation, dataset: str) -> str:
    path = path.replace("{integration}", server.integration.id).replace("{dataset}", dataset)
    return path.replace("{location}", server.location.id).replace("{project}", server.project_id)


def doubled(page: Page) -> list[str]:
    """Ids that more than one element has: a label would be the other's."""
    ids = page.evaluate("[...document.querySelectorAll('[id]')].map(it => it.id)")
    return [each for each, count in Counter(ids).items() if count > 1]


def barriers(page: Page) -> list[str]:
    """What keeps people out, as axe-core finds it."""
    found = Axe().run(page).response["violations"]
    return [
        f"{violation['id']}: {node['html']}"
        for violation in found
        if violation["impact"] in {"serious", "critical"}
        for node in violation["nodes"]
    ]


@pytest.mark.parametrize("path", PAGES)
def test_a_page_has_no_serious_barrier(
    reader: Page, valetkey_server: Installation, dataset: str, path: str
) -> None:
    reader.goto(address(path, valetkey_server, dataset))
    assert barriers(reader) == []


@pytest.mark.parametrize(("path", "button"), PANELS)
def test_a_panel_has_no_serious_barrier(
    reader: Page, valetkey_server: Installation, dataset: str, path: str, button: str
) -> None:
    reader.goto(address(path, valetkey_server, dataset))
    reader.get_by_role("button", name=button).click()
    reader.locator("dialog[open]").wait_for()
    reader.wait_for_load_state("networkidle")
    assert barriers(reader) == []
    assert doubled(reader) == []
    reader.keyboard.press("Escape")
    reader.locator("dialog").wait_for(state="detached")


def test_the_sign_in_has_no_serious_barrier(
    browser: Browser, valetkey_server: Installation
) -> None:
    for taste in ("light", "dark"):
        with watched_page(browser, valetkey_server.url, color_scheme=taste) as page:
            page.goto("/console/signin")
            assert barriers(page) == []


def test_credentials_that_are_shown_have_no_serious_barrier(
    reader: Page, valetkey_server: Installation
) -> None:
    reader.goto(f"/console/credentials?location={valetkey_server.location.id}")
    reader.get_by_role("button", name="Get credentials").click()
    reader.get_by_role("tab", name="DuckDB").click()
    assert barriers(reader) == []


def test_no_page_is_wider_than_a_small_telephone(
    browser: Browser, valetkey_server: Installation, dataset: str
) -> None:
    size = {"width": NARROW, "height": 780}
    with watched_page(
        browser,
        valetkey_server.url,
        others=(valetkey_server.aws.endpoint,),
        expected=("404",),
        viewport=size,
    ) as page:
        sign_in(page, OWNER)
        for path in PAGES:
            page.goto(address(path, valetkey_server, dataset))
            assert page.evaluate("document.documentElement.scrollWidth") <= NARROW, path


def test_times_are_local_and_say_what_they_are_in_utc(
    browser: Browser, valetkey_server: Installation
) -> None:
    with watched_page(
        browser, valetkey_server.url, timezone_id="Asia/Tokyo", locale="en-GB"
    ) as page:
        sign_in(page, OWNER)
        page.goto("/console/audit")
        moment = page.locator("tbody time").first
        written = moment.get_attribute("datetime") or ""
        assert moment.get_attribute("title") == f"{written} (UTC)"
        shown = page.evaluate(
            "moment => new Intl.DateTimeFormat('en-GB', {dateStyle: 'medium', timeStyle: 'short',"
            " timeZone: 'Asia/Tokyo'}).format(new Date(moment))",
            written,
        )
        assert moment.text_content() == shown


def test_the_console_is_used_with_the_keyboard_alone(
    browser: Browser, valetkey_server: Installation
) -> None:
    with watched_page(browser, valetkey_server.url) as page:
        sign_in(page, OWNER)
        page.goto("/console/integrations")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == "To the content"
        page.get_by_role("button", name="Create Integration").focus()
        page.keyboard.press("Enter")
        page.locator("dialog[open]").wait_for()
        assert page.evaluate("document.activeElement.id") == "name"
        page.keyboard.press("Escape")
        page.locator("dialog").wait_for(state="detached")
        assert page.evaluate("document.activeElement.textContent") == "Create Integration"
