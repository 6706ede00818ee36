"""The integration page in a browser: what a verification changes on it, and the other types."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import Page, expect

from support.aws import client
from support.server import Installation


@pytest.fixture
def expected() -> tuple[str, ...]:
    return ()


def verify(page: Page) -> None:
    page.get_by_role("button", name="Verify now").click()
    expect(page.locator(".outcome")).to_be_visible()


def test_the_badge_and_the_drift_follow_a_verification_without_a_reload(
    page: Page, valetkey_server: Installation
) -> None:
    iam, role = (
        client(valetkey_server.aws, "iam"),
        valetkey_server.setup.role_arn.rpartition("/")[2],
    )
    good = iam.get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"]
    page.goto(f"/console/integrations/{valetkey_server.integration.id}")
    expect(page.locator("#state")).to_have_text("verified")
    expect(page.locator("#drift")).to_contain_text("Verify now")
    verify(page)
    expect(page.locator("#drift")).not_to_contain_text("Verify now")

    nobody = {**good, "Statement": [{**good["Statement"][0], "Effect": "Deny"}]}
    iam.update_assume_role_policy(RoleName=role, PolicyDocument=json.dumps(nobody))
    page.reload()
    verify(page)
    expect(page.locator("#state")).to_have_text("failing")
    expect(page.locator("#verified-at time")).to_be_visible()
    expect(page.locator("#state-reason")).not_to_be_empty()
    expect(page.locator("#drift")).to_contain_text("lets itself be assumed")
    expect(page.locator("#admin-command")).to_have_text(
        "valetkey integrations verify acme --as-admin"
    )

    iam.update_assume_role_policy(RoleName=role, PolicyDocument=json.dumps(good))
    page.reload()
    verify(page)
    expect(page.locator("#state")).to_have_text("verified")
    expect(page.locator("#state-reason")).to_be_empty()


def test_a_changed_key_and_role_stand_in_the_facts_at_once_and_after_the_verification(
    page: Page, valetkey_server: Installation
) -> None:
    iam, setup = client(valetkey_server.aws, "iam"), valetkey_server.setup
    trust = iam.get_role(RoleName=setup.role)["Role"]["AssumeRolePolicyDocument"]
    other = iam.create_role(RoleName="another", AssumeRolePolicyDocument=json.dumps(trust))
    arn, user = other["Role"]["Arn"], setup.user
    key = iam.create_access_key(UserName=user)["AccessKey"]
    page.goto(f"/console/integrations/{valetkey_server.integration.id}")
    facts = page.get_by_role("region", name="Facts")
    facts.get_by_text("Change the key or the role").click()
    facts.get_by_label("Key", exact=True).fill(key["AccessKeyId"])
    facts.get_by_label("Secret").fill(key["SecretAccessKey"])
    facts.get_by_label("Role ARN").fill(arn)
    facts.get_by_role("button", name="Save, and verify again").click()
    expect(facts.locator("#facts")).to_contain_text(arn)
    expect(facts.locator("#facts")).to_contain_text(key["AccessKeyId"])
    expect(page.locator("#key-facts")).to_contain_text(key["AccessKeyId"])
    expect(page.locator(".outcome")).to_be_visible()
    expect(facts.locator("#facts")).to_contain_text(arn)
    expect(page.locator("#state")).not_to_have_text("verified")  # the other role opens nothing
    facts.get_by_text("Change the key or the role").click()
    facts.get_by_label("Key", exact=True).fill(setup.key.id)
    facts.get_by_label("Secret").fill(setup.key.secret.reveal())
    facts.get_by_label("Role ARN").fill(setup.role_arn)
    facts.get_by_role("button", name="Save, and verify again").click()
    expect(page.locator("#state")).to_have_text("verified")
    expect(facts.locator("#facts")).to_contain_text(setup.role_arn)
    expect(facts.locator("#facts")).to_contain_text(setup.key.id)
    iam.delete_access_key(UserName=user, AccessKeyId=key["AccessKeyId"])


def test_what_is_made_in_a_panel_stands_in_the_list_behind_it_at_once(
    page: Page, valetkey_server: Installation
) -> None:
    create(page, "aws-cross", "made just now")
    panel = page.get_by_role("dialog", name="Create Integration")
    panel.get_by_role("button", name="Create Integration").click()
    expect(panel.locator("#external-id")).to_be_visible()
    panel.get_by_role("button", name="Close", exact=True).click()
    expect(page.get_by_role("link", name="made just now", exact=True)).to_be_visible()
    page.goto("/console/locations")
    page.get_by_role("button", name="Create location").click()
    panel = page.get_by_role("dialog", name="Create location")
    panel.get_by_label("Name").fill("made just now")
    panel.get_by_label("Integration").select_option(valetkey_server.integration.id)
    panel.get_by_label("Bucket", exact=True).fill(valetkey_server.setup.bucket)
    panel.get_by_role("button", name="Create location").click()
    expect(panel).to_contain_text("is created")
    panel.get_by_role("button", name="Close", exact=True).click()
    expect(page.get_by_role("link", name="made just now", exact=True)).to_be_visible()


def create(page: Page, kind: str, name: str) -> None:
    page.goto("/console/integrations")
    page.get_by_role("button", name="Create Integration").click()
    panel = page.get_by_role("dialog", name="Create Integration")
    panel.get_by_label("Integration Type").select_option(kind)
    panel.get_by_label("Integration Name").fill(name)


def test_a_cross_account_integration_shows_the_external_id_for_its_trust_policy(
    page: Page, valetkey_server: Installation
) -> None:
    create(page, "aws-cross", "their account")
    panel = page.get_by_role("dialog", name="Create Integration")
    expect(panel.get_by_text("no key is stored")).to_be_visible()
    expect(panel.get_by_label("Secret")).to_have_count(0)
    panel.get_by_role("button", name="Create Integration").click()
    shown = panel.locator("#external-id")
    expect(shown).to_be_visible()
    external_id = shown.text_content() or ""
    panel.get_by_label("Role ARN").fill(valetkey_server.setup.role_arn)
    panel.get_by_role("button", name="Save, and verify").click()
    expect(panel.get_by_role("list", name="What AWS says")).not_to_be_empty()
    expect(panel.locator(".outcome, .notice")).not_to_have_count(0)
    page.goto("/console/integrations")
    page.get_by_role("link", name="their account").click()
    expect(page.get_by_role("region", name="Facts")).to_contain_text(external_id)


def test_an_integration_of_s3_keys_is_made_and_reported_on_without_a_role(
    page: Page, valetkey_server: Installation
) -> None:
    key = valetkey_server.setup.key
    create(page, "s3", "a store like S3")
    panel = page.get_by_role("dialog", name="Create Integration")
    expect(panel.get_by_label("Endpoint")).to_be_visible()
    expect(panel.get_by_label("Role ARN")).to_have_count(0)
    panel.get_by_label("Key", exact=True).fill(key.id)
    panel.get_by_label("Secret").fill(key.secret.reveal())
    panel.get_by_label("Endpoint").fill(valetkey_server.aws.endpoint)
    panel.get_by_role("button", name="Create Integration").click()
    expect(panel.locator(".outcome")).to_be_visible()
    assert key.secret.reveal() not in page.content()
    page.goto("/console/integrations")
    expect(page.get_by_role("row", name="a store like S3")).to_contain_text("S3 keys")
