"""The page of a location in a browser: what it gives, until when, to whom, and blocking it."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from support.server import ANNOTATOR, Installation


@pytest.fixture
def page(page: Page, valetkey_server: Installation) -> Page:
    page.goto(f"/console/locations/{valetkey_server.location.id}")
    return page


def vend(page: Page, location_id: str) -> None:
    page.goto(f"/console/credentials?location={location_id}")
    page.get_by_role("button", name="Get credentials").click()


def test_a_locations_name_access_and_end_are_changed(
    page: Page, valetkey_server: Installation
) -> None:
    here, facts = page.url, page.get_by_role("region", name="Facts")
    change = page.get_by_role("region", name="Change it")
    change.get_by_label("Name").fill("renamed")
    change.get_by_label("write").uncheck()
    change.get_by_label("delete", exact=True).uncheck()
    change.get_by_label("Last day (UTC)").fill("2035-03-31")
    change.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("renamed")
    expect(facts).to_contain_text("list, read")
    expect(facts).not_to_contain_text("write")
    expect(facts.locator("time[datetime='2035-04-01T00:00:00Z']")).to_be_visible()
    page.goto(here)
    expect(change.get_by_label("Last day (UTC)")).to_have_value("2035-03-31")
    change.get_by_label("list").uncheck()
    change.get_by_label("read", exact=True).uncheck()
    change.get_by_role("button", name="Save").click()
    expect(change.locator("#access-error")).to_contain_text("gives nothing")
    page.goto(here)
    change.get_by_label("Name").fill(valetkey_server.location.name)
    change.get_by_label("write").check()
    change.get_by_label("delete", exact=True).check()
    change.get_by_label("Last day (UTC)").fill("")
    change.get_by_role("button", name="Save").click()
    expect(facts).to_contain_text("list, read, write, delete")
    expect(facts.locator("dd", has_text="never")).to_be_visible()


def test_a_location_is_blocked_and_unblocked(page: Page, valetkey_server: Installation) -> None:
    here, location_id = page.url, valetkey_server.location.id
    page.get_by_role("button", name="Revoke, or block").click()
    panel = page.get_by_role("dialog")
    panel.get_by_label("Reason").fill("somebody looks into it")
    panel.get_by_label("Block, too").check()
    panel.get_by_role("button", name="Revoke the leases").click()
    expect(panel).to_contain_text("No new ones are given")
    panel.get_by_role("button", name="Close").last.click()
    expect(page.get_by_text("It is blocked")).to_be_visible()
    vend(page, location_id)
    expect(page.locator("#vend-error")).to_contain_text("somebody looks into it")
    page.goto("/console/leases")
    page.get_by_role("button", name=f"Unblock {location_id}").click()
    expect(page.get_by_text("new credentials are given again")).to_be_visible()
    vend(page, location_id)
    expect(page.locator("#text-env")).to_be_visible()
    page.goto(here)
    expect(page.get_by_text("It is blocked")).to_have_count(0)
    page.get_by_role("button", name="Revoke, or block").click()
    panel.get_by_role("button", name="Only block").click()
    expect(panel).to_contain_text("What was vended lives to its end")
    panel.get_by_role("button", name="Close").last.click()
    page.get_by_role("region", name="Facts").get_by_role("button", name="Unblock").click()
    expect(page.get_by_text("new credentials are given again")).to_be_visible()


def test_a_grant_is_given_with_an_end_and_a_reason_and_taken_back(page: Page) -> None:
    grants = page.get_by_role("region", name="Grants").first
    grants.get_by_text("Grant something").click()
    grants.get_by_label("Address, or the group").fill("nobody@example.com")
    grants.get_by_label("Folders").fill("cats/")
    grants.get_by_label("Last day (UTC)").fill("2035-03-31")
    grants.get_by_label("Why").fill("she labels cats")
    grants.get_by_role("button", name="Grant").click()
    expect(grants.locator("#subject-error")).to_contain_text("not a member")
    grants.get_by_label("Address, or the group").fill(ANNOTATOR)
    grants.get_by_role("button", name="Grant").click()
    row = grants.get_by_role("row", name=ANNOTATOR)
    expect(row).to_contain_text("she labels cats")
    expect(row).to_contain_text("cats/")
    expect(row.locator("time[datetime='2035-04-01T00:00:00Z']")).to_be_visible()
    row.get_by_role("button", name=f"Take back the grant to {ANNOTATOR}").click()
    expect(page.get_by_text("The grant is taken back")).to_be_visible()
    expect(grants.get_by_role("row", name=ANNOTATOR)).to_have_count(0)
