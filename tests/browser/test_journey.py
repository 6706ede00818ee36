"""The whole way in a browser: from an empty AWS and an empty console to revoked and rotated."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import boto3
import pytest
from botocore.exceptions import ClientError
from playwright.sync_api import Browser, Page, expect

from support.aws import client
from support.browser import chromium, sign_in, watched_page
from support.pictures import png
from support.real_api import EMAIL, PASSWORD, settings_for
from support.server import Running, running_server
from valetkey.administration import first_start
from valetkey.domain.secret import Secret
from valetkey.embedded import EmbeddedAws

ACCOUNT: Final = "000000000000"
BUCKET: Final = "journey-images"
ANNOTATOR: Final = "joan@example.com"
GOVERNANCE: Final = ("Integrations", "Locations", "Audit", "Credentials")
#: What AWS's console writes when EC2 is chosen as the use case of a new role.
FOR_EC2: Final = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "ec2.amazonaws.com"},
                "Action": "sts:AssumeRole",
            }
        ],
    }
)


@dataclass(frozen=True)
class World:
    """A console that knows nobody but its owner, and an AWS that knows its administrator."""

    running: Running
    aws: EmbeddedAws


@pytest.fixture(scope="module")
def world(_running_aws: EmbeddedAws, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    _running_aws.reset()
    folder: Path = tmp_path_factory.mktemp("journey")
    settings = settings_for(folder, _running_aws.endpoint)
    asyncio.run(first_start(settings, organization="Acme", email=EMAIL, password=Secret(PASSWORD)))
    with running_server(settings) as running:
        yield World(running, _running_aws)


@pytest.fixture(scope="module")
def browser(world: World) -> Iterator[Browser]:
    assert world.running.url
    with chromium() as running:
        yield running


@dataclass(frozen=True)
class Administrator:
    """Who follows the guide at AWS, pasting what the page shows."""

    page: Page
    iam: Any
    s3: Any

    def shown(self, name: str) -> str:
        return (self.page.locator(f"#guide-{name}").text_content() or "").strip()

    def make_bucket(self) -> None:
        self.s3.create_bucket(
            Bucket=self.shown("bucket-name"),
            CreateBucketConfiguration={"LocationConstraint": "eu-central-1"},
        )

    def make_policy_user_and_role(self) -> None:
        policy = self.iam.create_policy(
            PolicyName=self.shown("policy-name"), PolicyDocument=self.shown("policy")
        )["Policy"]["Arn"]
        self.iam.create_user(UserName=self.shown("user-name"))
        role = self.shown("role-name")
        self.iam.create_role(
            RoleName=role, AssumeRolePolicyDocument=FOR_EC2, PermissionsBoundary=policy
        )
        self.iam.attach_role_policy(RoleName=role, PolicyArn=policy)

    def put_user_policies(self) -> None:
        for name in ("assume", "rotation", "revocation"):
            self.iam.put_user_policy(
                UserName=self.shown("user-name"),
                PolicyName=self.shown(f"{name}-name"),
                PolicyDocument=self.shown(name),
            )
        # The embedded AWS, unlike AWS, does not match this action against the user.
        last_used = {"Effect": "Allow", "Action": "iam:GetAccessKeyLastUsed", "Resource": "*"}
        self.iam.put_user_policy(
            UserName=self.shown("user-name"),
            PolicyName="embedded-only",
            PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [last_used]}),
        )

    def make_key(self) -> tuple[str, str]:
        key = self.iam.create_access_key(UserName=self.shown("user-name"))["AccessKey"]
        return key["AccessKeyId"], key["SecretAccessKey"]

    def trust_the_user(self) -> None:
        self.iam.update_assume_role_policy(
            RoleName=self.shown("role-name"), PolicyDocument=self.shown("trust")
        )


def test_from_nothing_to_revoked_and_rotated(browser: Browser, world: World) -> None:
    s3 = client(world.aws, "s3")
    with watched_page(
        browser,
        world.running.url,
        others=(world.aws.endpoint,),
        expected=("status of 422",),
        viewport={"width": 1280, "height": 900},
    ) as page:
        sign_in(page, EMAIL)
        integrate(page, Administrator(page, client(world.aws, "iam"), s3))
        for number in range(6):
            picture = png(number)
            s3.put_object(
                Bucket=BUCKET, Key=f"train/{number}.png", Body=picture, ContentType="image/png"
            )
        make_location(page)
        browse_dataset(page)
        session = vend(page, world)
        session.list_objects_v2(Bucket=BUCKET, Prefix="train/")
        with pytest.raises(ClientError, match="AccessDenied"):
            session.list_objects_v2(Bucket=BUCKET, Prefix="other/")
        revoke(page)
        with pytest.raises(ClientError, match="AccessDenied"):
            session.list_objects_v2(Bucket=BUCKET, Prefix="train/")
        rotate(page)
        look_at_audit(page)
        add_annotator(page)
    with watched_page(browser, world.running.url, expected=("status of 403",)) as page:
        see_no_governance(page)


def integrate(page: Page, admin: Administrator) -> None:
    """Create an integration by the guide, with a wrong secret first and the trust forgotten."""
    page.get_by_role("link", name="Integrations").first.click()
    page.get_by_role("button", name="Create Integration").click()
    panel = page.get_by_role("dialog", name="Create Integration")
    panel.get_by_label("AWS account").fill(ACCOUNT)
    panel.get_by_label("Bucket", exact=False).first.fill(BUCKET)
    expect(page.locator("#guide-trust")).to_contain_text(f"arn:aws:iam::{ACCOUNT}:user/")
    expect(page.locator("#guide-policy")).to_contain_text(BUCKET)
    admin.make_bucket()
    admin.make_policy_user_and_role()
    admin.put_user_policies()
    key, secret = admin.make_key()

    panel.get_by_label("Integration Name").fill("Acme production")
    panel.get_by_label("Key", exact=True).fill("not a key")
    expect(page.locator("#key-error")).to_contain_text("starts with AKIA")
    panel.get_by_label("Key", exact=True).fill(key)
    expect(page.locator("#key-error")).to_be_empty()
    panel.get_by_text("Create an IAM role").click()
    panel.get_by_role("button", name="Put the ARN into the form").click()
    wrong = secret[:-1] + ("a" if secret[-1] != "a" else "b")
    panel.get_by_label("Secret").fill(wrong)
    panel.get_by_role("button", name="Create Integration").click()

    expect(panel.locator(".outcome")).to_contain_text("does not work yet")
    expect(panel.locator(".checks li", has=page.locator(".mark.failed"))).to_contain_text("secret")
    panel.get_by_label("Secret").fill(secret)
    panel.get_by_role("button", name="Save, and verify again").click()

    failed = panel.locator(".checks li", has=page.locator(".mark.failed"))
    expect(failed).to_contain_text("Trust relationships")
    expect(failed.locator("pre").first).to_contain_text(
        f"arn:aws:iam::{ACCOUNT}:user/valetkey-user"
    )
    expect(page.locator("#tick-key .passed")).to_be_visible()
    admin.trust_the_user()
    panel.get_by_role("button", name="Verify again", exact=True).click()
    expect(panel.locator(".outcome")).to_contain_text("Acme production works.")
    for step in ("bucket", "policy", "user", "role", "assume", "key", "trust"):
        expect(page.locator(f"#tick-{step} .passed")).to_be_visible()
    assert secret not in page.content()


def make_location(page: Page) -> None:
    page.get_by_role("link", name="Create a location").click()
    panel = page.get_by_role("dialog", name="Create location")
    panel.get_by_label("Name").fill("journey")
    panel.get_by_label("Bucket", exact=True).fill(BUCKET)
    panel.get_by_label("Folder").fill("train")
    panel.get_by_role("button", name="Create location").click()
    expect(panel).to_contain_text("is in eu-central-1")
    panel.get_by_role("button", name="Test it").click()
    expect(panel.locator(".outcome")).to_contain_text("The location journey works.")


def browse_dataset(page: Page) -> None:
    page.goto("/console/datasets")
    page.get_by_role("button", name="Create dataset").click()
    page.get_by_label("Name").fill("pictures")
    page.get_by_role("dialog").get_by_role("button", name="Create dataset").click()
    page.get_by_role("button", name="Sync now").click()
    expect(page.locator("#sync")).to_contain_text("6 added")
    expect(page.locator("#items")).to_contain_text("6 objects")
    page.locator("#files").set_input_files(
        {"name": "dropped.png", "mimeType": "image/png", "buffer": png(9)}
    )
    expect(page.locator("#uploads")).to_contain_text("/dropped.png: uploaded.")
    expect(page.locator("#items")).to_contain_text("7 objects")
    page.get_by_role("link", name="Thumbnails").click()
    pictures = page.locator(".thumbs img")
    expect(pictures).to_have_count(7)
    for number in range(7):
        expect(pictures.nth(number)).to_have_js_property("naturalWidth", 64)
    page.goto("/console/audit?action=objects.presign")
    expect(page.get_by_role("region", name="Audit records").locator("summary")).to_have_count(1)
    page.go_back()
    page.get_by_label("Path").fill("drop")
    page.get_by_role("button", name="Filter").click()
    expect(page.locator("#items")).to_contain_text("1 of 7 objects")
    page.locator(".thumb").click()
    panel = page.get_by_role("dialog", name="/dropped.png")
    panel.get_by_text("Delete this object").click()
    expect(panel).to_contain_text("The bucket keeps it")
    panel.get_by_role("button", name="Delete /dropped.png").click()
    expect(page.locator("#items")).to_contain_text("6 objects")


def vend(page: Page, world: World) -> Any:
    """Get credentials for the location's folder, and return a client that uses what is shown."""
    page.goto("/console/credentials")
    page.get_by_role("button", name="Get credentials").click()
    text = page.locator("#text-env")
    expect(text).to_be_visible()
    found = dict(re.findall(r"export (\w+)=(\S+)", text.text_content() or ""))
    page.get_by_role("tab", name="boto3").click()
    expect(page.locator("#text-boto3")).to_contain_text(found["AWS_SESSION_TOKEN"])
    page.get_by_role("button", name="Copy: boto3").click()
    assert found["AWS_SECRET_ACCESS_KEY"] in page.evaluate("navigator.clipboard.readText()")
    page.reload()
    assert found["AWS_SECRET_ACCESS_KEY"] not in page.content()
    return boto3.client(
        "s3",
        endpoint_url=world.aws.endpoint,
        region_name=found["AWS_REGION"],
        aws_access_key_id=found["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=found["AWS_SECRET_ACCESS_KEY"],
        aws_session_token=found["AWS_SESSION_TOKEN"],
    )


def revoke(page: Page) -> None:
    page.goto("/console/integrations")
    page.get_by_role("link", name="Acme production").click()
    sessions = page.get_by_role("region", name="Live leases")
    line = sessions.locator("li", has_text="list, read in")
    line.get_by_role("button").click()
    panel = page.get_by_role("dialog", name="Revoke this lease?")
    panel.get_by_label("Reason").fill("the laptop was lost")
    panel.get_by_role("button", name="Revoke the lease").click()
    expect(panel).to_contain_text("The lease is revoked.")
    panel.get_by_role("button", name="Close").last.click()
    expect(line).to_have_count(0)


def rotate(page: Page) -> None:
    before = page.locator("#facts dd code").first.text_content() or ""
    expect(page.locator("#key-facts")).to_contain_text(before)
    page.get_by_role("button", name="Rotate the key").click()
    page.get_by_role("dialog").get_by_role("button", name="Rotate the key").click()
    steps = page.get_by_role("list", name="Steps of the rotation")
    done = steps.locator("li", has_text="Credentials are made with it")
    expect(done.locator(".passed")).to_be_visible()
    for facts in ("#facts", "#key-facts"):
        expect(page.locator(facts)).not_to_contain_text(before)


def look_at_audit(page: Page) -> None:
    page.get_by_role("link", name="Audit", exact=True).click()
    trail = page.get_by_role("region", name="Audit records")
    for action in (
        "integration.create",
        "integration.verify",
        "location.create",
        "dataset.create",
        "dataset.sync",
        "item.upload",
        "credentials.vend",
        "leases.revoke",
        "integration.rotate",
    ):
        expect(trail.get_by_text(action, exact=True).first).to_be_visible()
    page.get_by_role("button", name="Verify the chain").click()
    expect(page.locator("#verdict")).to_contain_text("The chain holds")
    page.get_by_label("What", exact=True).fill("leases.revoke")
    page.get_by_role("button", name="Filter").click()
    trail.locator("summary").first.click()
    expect(trail).to_contain_text("the laptop was lost")


def add_annotator(page: Page) -> None:
    page.get_by_role("link", name="People", exact=True).click()
    members = page.get_by_role("region", name="Members of Acme")
    members.get_by_label("E-mail address").fill(ANNOTATOR)
    members.get_by_label("First password").fill(PASSWORD)
    members.get_by_role("button", name="Add, or change the role").click()
    expect(members).to_contain_text(ANNOTATOR)
    page.get_by_role("link", name="Projects", exact=True).click()
    page.get_by_role("link", name="default").click()
    team = page.get_by_role("region", name="Members").first
    team.get_by_label("Member", exact=True).fill(ANNOTATOR)
    team.get_by_label("Role", exact=True).select_option("annotator")
    team.get_by_role("button", name="Add, or change the role").click()
    expect(team.get_by_role("row", name=ANNOTATOR)).to_contain_text("annotator")


def see_no_governance(page: Page) -> None:
    sign_in(page, ANNOTATOR)
    menu = page.get_by_role("navigation", name="Console")
    expect(menu.get_by_role("link", name="Datasets")).to_be_visible()
    for name in GOVERNANCE:
        expect(menu.get_by_role("link", name=name)).to_have_count(0)
    for path in ("integrations", "locations", "audit", "credentials"):
        page.goto(f"/console/{path}")
        expect(page.get_by_role("heading", name="Not yours to do")).to_be_visible()
    page.goto("/console/datasets")
    page.get_by_role("link", name="pictures").click()
    expect(page.get_by_role("button", name="Sync now")).to_have_count(0)
    expect(page.get_by_role("button", name="Delete dataset")).to_have_count(0)
