"""People, tokens and programs in a browser: made with less, shown once, removed as one act."""

from __future__ import annotations

from typing import Final

import httpx2
from playwright.sync_api import Browser, Page, expect

from support.browser import sign_in, watched_page
from support.real_api import PASSWORD
from support.server import ANNOTATOR, DEVELOPER, LOCATION, OWNER, Installation

NEWCOMER: Final = "newcomer@example.com"
BLOCKED: Final = "blocked@example.com"
ASKED: Final[dict[str, object]] = {"prefixes": ["cats/"], "access": ["read"], "ttlSeconds": 900}


def status(server: Installation, token: str, **asked: object) -> int:
    """What a vend with a token is answered."""
    with httpx2.Client(base_url=server.url, headers={"Authorization": f"Bearer {token}"}) as http:
        return http.post(
            "/v1/credentials", json={"location": LOCATION, **ASKED, **asked}
        ).status_code


def make_token(page: Page, description: str) -> str:
    page.get_by_label("What is the token for?").fill(description)
    page.get_by_role("button", name="Create API token").click()
    expect(page.locator("#api-token")).to_be_visible()
    return page.locator("#api-token").text_content() or ""


def test_a_token_that_carries_less_opens_less_and_ends_when_it_is_revoked(
    page: Page, valetkey_server: Installation
) -> None:
    page.goto("/console/tokens")
    page.get_by_text("Let it carry less").click()
    page.get_by_label("Locations").fill("no such location")
    page.get_by_label("What is the token for?").fill("the robot")
    page.get_by_role("button", name="Create API token").click()
    expect(page.locator("#locations-error")).to_contain_text("Which location?")
    page.get_by_label("Locations").fill(LOCATION)
    page.get_by_label("Folders").fill("cats/")
    page.get_by_label("read", exact=True).check()
    page.get_by_label("Credentials for").select_option("900")
    token = make_token(page, "the robot")
    assert status(valetkey_server, token) == 200
    assert status(valetkey_server, token, access=["write"]) == 403
    assert status(valetkey_server, token, prefixes=["dogs/"]) == 403
    row = page.get_by_role("region", name="Tokens of yours").get_by_role("row", name="the robot")
    expect(row).to_contain_text(LOCATION)
    expect(row).to_contain_text("cats/")
    row.get_by_role("button").click()
    page.get_by_role("dialog").get_by_role("button", name="Revoke it", exact=True).click()
    expect(page.get_by_text("The API token is revoked.")).to_be_visible()
    assert status(valetkey_server, token) == 401


def test_an_owner_sees_and_revokes_the_tokens_of_members(
    browser: Browser, page: Page, valetkey_server: Installation
) -> None:
    with watched_page(browser, valetkey_server.url) as theirs:
        sign_in(theirs, DEVELOPER)
        theirs.goto("/console/tokens")
        expect(theirs.get_by_text("Every API token")).to_have_count(0)
        token = make_token(theirs, "grace's notebook")
    assert status(valetkey_server, token) == 200
    page.goto("/console/tokens")
    every = page.get_by_role("region", name="Tokens of the organisation")
    row = every.get_by_role("row", name="grace's notebook")
    expect(row).to_contain_text(DEVELOPER)
    row.get_by_role("button").click()
    page.get_by_role("dialog").get_by_role("button", name="Revoke it", exact=True).click()
    expect(page.get_by_text("The API token is revoked.")).to_be_visible()
    assert status(valetkey_server, token) == 401


def test_a_service_account_is_made_gets_a_token_and_is_deleted_with_it(
    page: Page, valetkey_server: Installation
) -> None:
    page.goto(f"/console/projects/{valetkey_server.project_id}")
    accounts = page.get_by_role("region", name="Service accounts").first
    accounts.get_by_label("Name").fill("Not A Name")
    accounts.get_by_role("button", name="Create service account").click()
    expect(accounts.locator("#account-name-error")).to_contain_text("can't be")
    accounts.get_by_label("Name").fill("training-jobs")
    accounts.get_by_role("button", name="Create service account").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("training-jobs")
    token = make_token(page, "nightly")
    expect(page.get_by_role("region", name="Its API tokens")).to_contain_text("nightly")
    assert status(valetkey_server, token) == 200
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("button", name="Delete training-jobs").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("is removed")
    assert status(valetkey_server, token) == 401


def test_a_newcomer_sets_a_password_by_a_link_that_is_shown_once(
    browser: Browser, page: Page, valetkey_server: Installation
) -> None:
    page.goto("/console/people")
    page.get_by_label("E-mail address").fill(NEWCOMER)
    page.get_by_label("by a one-time link").check()
    page.get_by_role("button", name="Add, or change the role").click()
    link = page.get_by_role("dialog").locator("#link").text_content() or ""
    page.get_by_role("dialog").get_by_role("button", name="Close").click()
    expect(page.get_by_role("row", name=NEWCOMER)).to_be_visible()
    expect(page.locator("#link")).to_have_count(0)
    assert link not in page.content()
    with watched_page(browser, valetkey_server.url) as theirs:
        theirs.goto(link)
        theirs.get_by_label("New password").fill(PASSWORD)
        theirs.get_by_role("button", name="Set password").click()
        expect(theirs.get_by_role("heading", name="Sign in")).to_be_visible()
        sign_in(theirs, NEWCOMER)


def test_removing_somebody_says_what_lives_on_and_offers_to_revoke_it(
    page: Page, valetkey_server: Installation
) -> None:
    with valetkey_server.client(DEVELOPER) as theirs:
        theirs.location(LOCATION).credentials()
    page.goto(f"/console/projects/{valetkey_server.project_id}")
    page.get_by_role("button", name=f"Remove {DEVELOPER}").click()
    panel = page.get_by_role("dialog")
    expect(panel).to_contain_text("live to their end")
    panel.get_by_role("button", name=f"Remove {DEVELOPER}").click()
    expect(page.get_by_role("region", name="Credentials that still work")).to_be_visible()
    page.get_by_role("button", name="Revoke them now").click()
    panel.get_by_role("button", name="Revoke the leases").click()
    expect(panel.locator(".notice")).to_contain_text("revoked")
    page.goto("/console/people")
    page.get_by_role("button", name=f"Remove {ANNOTATOR}").click()
    panel.get_by_role("button", name=f"Remove {ANNOTATOR}").click()
    expect(page.get_by_text("Ended with it:")).to_be_visible()
    expect(page.get_by_text("No credentials of theirs still work.")).to_be_visible()


def test_a_member_is_blocked_and_unblocked(page: Page, valetkey_server: Installation) -> None:
    with valetkey_server.client(OWNER) as ours:
        ours.orgs.add_member(valetkey_server.org_id, email=BLOCKED, role="member", by_link=True)
    page.goto("/console/people")
    page.get_by_role("button", name=f"Revoke the leases of {BLOCKED}").click()
    panel = page.get_by_role("dialog")
    panel.get_by_role("button", name="Only block").click()
    expect(panel).to_contain_text("No new ones are given")
    panel.get_by_role("button", name="Close").last.click()
    page.get_by_role("button", name=f"Unblock {BLOCKED}").click()
    expect(page.get_by_text("new credentials are given again")).to_be_visible()


def test_a_project_is_renamed_and_given_a_default_location(
    page: Page, valetkey_server: Installation
) -> None:
    page.goto("/console/projects")
    page.get_by_label("Name").fill("made here")
    page.get_by_role("button", name="Create project").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("made here")
    page.goto(f"/console/projects/{valetkey_server.project_id}")
    settings = page.get_by_role("region", name="Settings")
    settings.get_by_label("Default location").select_option(valetkey_server.location.id)
    settings.get_by_role("button", name="Save").click()
    expect(page.get_by_text("The project is changed.")).to_be_visible()
    expect(settings.get_by_label("Default location")).to_have_value(valetkey_server.location.id)
