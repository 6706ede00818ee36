"""What forms and panels do in a browser beyond what their HTML says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Final

import pytest
from playwright.sync_api import Browser, Page, expect

from support.aws import client
from support.browser import chromium, sign_in
from support.real_api import PASSWORD
from support.server import FOLDER, OWNER, Installation

PANELS: Final = (
    ("/console/integrations/new", "Create Integration", "/console/integrations"),
    ("/console/locations/new", "Create location", "/console/locations"),
    ("/console/datasets/new", "Create dataset", "/console/datasets"),
)
#: Not localhost: to a browser, plain http on it is no secure place.
NETWORK: Final = "valetkey.internal.example"
LONG: Final = "long/" + "k" * 890


@pytest.fixture(scope="module")
def browser(valetkey_server: Installation) -> Iterator[Browser]:
    assert valetkey_server.url
    with chromium(f"--host-resolver-rules=MAP {NETWORK} 127.0.0.1") as running:
        yield running


@pytest.fixture
def expected() -> tuple[str, ...]:
    return ("status of 4", "status of 503")


def fail_on_trust(page: Page, server: Installation) -> None:
    """Verify an integration whose role trusts nobody any more."""
    iam, role = client(server.aws, "iam"), server.setup.role
    good = iam.get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"]
    nobody = {**good, "Statement": [{**good["Statement"][0], "Effect": "Deny"}]}
    iam.update_assume_role_policy(RoleName=role, PolicyDocument=json.dumps(nobody))
    try:
        page.goto(f"/console/integrations/{server.integration.id}")
        page.get_by_role("button", name="Verify now").click()
        expect(page.locator(".outcome")).to_be_visible()
    finally:
        iam.update_assume_role_policy(RoleName=role, PolicyDocument=json.dumps(good))


def test_the_copy_button_of_a_fix_copies_exactly_what_it_stands_beside(
    page: Page, valetkey_server: Installation
) -> None:
    fail_on_trust(page, valetkey_server)
    fix = page.locator(".checks li", has=page.locator(".mark.failed")).first
    beside = fix.locator(".copyable")
    expect(beside).to_have_count(2)
    copied = []
    for number in range(2):
        beside.nth(number).get_by_role("button").click()
        expect(beside.nth(number).get_by_role("button")).to_have_text("Copied")
        copied.append(page.evaluate("navigator.clipboard.readText()"))
    assert json.loads(copied[0])["Statement"][0]["Action"] == "sts:AssumeRole"
    assert copied[1].startswith("aws iam update-assume-role-policy ")
    assert copied == [beside.nth(number).locator("pre").text_content() for number in range(2)]


def test_copying_works_over_http_on_a_network_address(
    browser: Browser, valetkey_server: Installation
) -> None:
    url = valetkey_server.url.replace("127.0.0.1", NETWORK)
    context = browser.new_context(base_url=url)
    page = context.new_page()
    sign_in(page, OWNER)
    assert page.evaluate("navigator.clipboard === undefined")
    page.goto("/console/integrations")
    page.get_by_role("button", name="Create Integration").click()
    page.get_by_text("Let the role trust the user").click()
    page.get_by_role("button", name="Copy: The trust policy").click()
    expect(page.get_by_role("button", name="Copy: The trust policy")).to_have_text("Copied")
    shown = page.locator("#guide-trust").text_content() or ""
    name = page.get_by_label("Integration Name")
    name.evaluate("it => { it.maxLength = 10000; it.focus(); }")
    page.keyboard.press("Control+V")
    assert json.loads(name.input_value()) == json.loads(shown)
    context.close()


def test_a_check_that_was_still_to_come_does_not_wipe_what_the_server_said(
    page: Page, valetkey_server: Installation
) -> None:
    page.goto("/console/locations")
    page.get_by_role("button", name="Create location").click()
    panel = page.get_by_role("dialog", name="Create location")
    panel.get_by_label("Bucket", exact=True).fill(valetkey_server.setup.bucket)
    page.wait_for_timeout(600)  # that field's own check is over
    panel.get_by_label("Name").fill(valetkey_server.location.name)
    panel.get_by_label("Name").press("Enter")
    said = panel.locator("#name-error")
    expect(said).to_contain_text("already")
    page.wait_for_timeout(900)  # longer than a check waits
    expect(said).to_contain_text("already")
    panel.get_by_label("Name").fill("another name")
    expect(said).to_be_empty()


@pytest.mark.parametrize(("address", "title", "home"), PANELS)
def test_a_panel_opened_by_its_address_is_a_page_with_the_panel_open(
    page: Page, address: str, title: str, home: str
) -> None:
    page.goto(address)
    expect(page.get_by_role("dialog", name=title)).to_be_visible()
    expect(page.get_by_role("navigation", name="Console")).to_be_attached()
    page.keyboard.press("Escape")
    expect(page).to_have_url(page.url.partition("/console")[0] + home)


def test_after_an_expired_session_one_comes_back_to_the_page_that_one_was_on(
    page: Page, valetkey_server: Installation
) -> None:
    page.goto("/console/locations?q=train")
    page.context.clear_cookies()
    page.get_by_role("button", name="Create location").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    sign_in_here(page)
    expect(page).to_have_url(f"{valetkey_server.url}/console/locations?q=train")
    page.goto(f"/console/integrations/{valetkey_server.integration.id}")
    page.context.clear_cookies()
    page.get_by_role("button", name="Switch off").click()
    sign_in_here(page)
    expect(page.get_by_role("heading", name="acme", level=1)).to_be_visible()


def sign_in_here(page: Page) -> None:
    page.get_by_label("E-mail address").fill(OWNER)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def test_a_refusal_of_the_lifetime_stands_at_the_lifetime_and_no_old_answer_remains(
    page: Page,
) -> None:
    page.goto("/console/credentials")
    page.get_by_role("button", name="Get credentials").click()
    expect(page.locator("#text-env")).to_be_visible()
    page.get_by_label("Good for").select_option("43200")  # the role's own maximum is an hour
    page.get_by_role("button", name="Get credentials").click()
    expect(page.locator("#ttl-error")).not_to_be_empty()
    for other in ("location", "folders", "vend"):
        expect(page.locator(f"#{other}-error")).to_be_empty()
    expect(page.locator("#text-env")).to_have_count(0)
    page.get_by_label("Good for").select_option("3600")
    page.get_by_role("button", name="Get credentials").click()
    expect(page.locator("#text-env")).to_be_visible()
    expect(page.locator("#ttl-error")).to_be_empty()


def test_nothing_says_that_a_secret_is_shown_for_the_only_time_when_it_is_shown_again(
    page: Page,
) -> None:
    shown = []
    for _ in range(2):
        page.goto("/console/credentials")
        page.get_by_role("button", name="Get credentials").click()
        expect(page.locator("#text-env")).to_be_visible()
        shown.append(page.locator("#text-env").text_content())
        expect(page.locator("#vended")).not_to_contain_text("only time")
    assert shown[0] == shown[1]  # the session is kept, and shown to whoever asks for the same


def test_a_key_of_900_letters_leaves_the_rows_of_a_table_as_they_are(
    page: Page, valetkey_server: Installation
) -> None:
    bucket = client(valetkey_server.aws, "s3")
    for key in (LONG, "short.txt"):
        bucket.put_object(Bucket=valetkey_server.setup.bucket, Key=f"{FOLDER}{key}", Body=b"x")
    page.goto("/console/datasets")
    page.get_by_role("button", name="Create dataset").click()
    page.get_by_label("Name").fill("long keys")
    page.get_by_role("dialog").get_by_role("button", name="Create dataset").click()
    page.get_by_role("button", name="Sync now").click()
    expect(page.locator("#items")).to_contain_text("short.txt")
    table = page.get_by_role("region", name="Objects")
    assert table.evaluate("it => it.scrollWidth <= it.clientWidth")
    short = table.get_by_role("row", name="short.txt")
    assert (short.bounding_box() or {"height": 0})["height"] < 60
    for cell in short.get_by_role("cell").all():
        assert cell.evaluate("it => it.scrollWidth <= it.clientWidth")
