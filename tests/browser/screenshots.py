"""Take the README's screenshots: a real server over the embedded AWS, in the system's Chromium.

``make screenshots`` runs it. It is no test: pytest does not collect it.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, Page

from support.aws import client
from support.browser import chromium, sign_in
from support.pictures import png
from support.server import FOLDER, OWNER, Installation, installation
from valetkey.domain.setup.policies import NOBODY, to_json
from valetkey.embedded import EmbeddedAws

_SIZE: Final = {"width": 1200, "height": 760}
_PICTURES: Final = 24


def take(folder: Path) -> None:
    """Write the pictures into a folder."""
    with (
        EmbeddedAws() as aws,
        tempfile.TemporaryDirectory() as place,
        installation(aws, Path(place)) as server,
    ):
        bucket = client(aws, "s3")
        for number in range(_PICTURES):
            bucket.put_object(
                Bucket=server.setup.bucket,
                Key=f"{FOLDER}photos/{number:03}.png",
                Body=png(number * 7, width=160, height=120),
                ContentType="image/png",
            )
        with chromium() as browser:
            _light(browser, server, folder)
            _dark(browser, server, folder)


def _signed_in(browser: Browser, server: Installation, taste: str) -> Page:
    page = browser.new_page(
        base_url=server.url,
        color_scheme=taste,  # type: ignore[arg-type]  # one of two words
        viewport=_SIZE,  # type: ignore[arg-type]  # width and height
        reduced_motion="reduce",
        locale="en-GB",
        timezone_id="Europe/Paris",
    )
    sign_in(page, OWNER)
    return page


def _light(browser: Browser, server: Installation, folder: Path) -> None:
    page = _signed_in(browser, server, "light")
    page.goto("/console/integrations")
    page.get_by_role("button", name="Create Integration").click()
    panel = page.get_by_role("dialog", name="Create Integration")
    panel.get_by_label("AWS account").fill("000000000000")
    panel.locator("#bucket").fill(server.setup.bucket)
    panel.get_by_label("Integration Name").fill("Acme images")
    panel.get_by_label("Key", exact=True).fill(server.setup.key.id)
    panel.get_by_label("Secret").fill(server.setup.key.secret.reveal())
    panel.get_by_label("Role ARN").fill(server.setup.role_arn)
    panel.locator("#tick-bucket .passed").wait_for()
    panel.get_by_text("Let the role trust the user").click()
    page.wait_for_load_state("networkidle")
    page.screenshot(path=folder / "create-integration.png")
    _break_and_report(page, server, folder)
    _dataset(page, folder)
    page.close()


def _break_and_report(page: Page, server: Installation, folder: Path) -> None:
    """The report about a set-up whose trust policy somebody has emptied."""
    iam = client(server.aws, "iam")
    role = server.setup.role
    good = iam.get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"]
    iam.update_assume_role_policy(RoleName=role, PolicyDocument=to_json(NOBODY))
    page.goto(f"/console/integrations/{server.integration.id}")
    page.get_by_role("button", name="Verify now").click()
    page.locator(".outcome").wait_for()
    page.get_by_role("heading", name="Does it work?").scroll_into_view_if_needed()
    page.screenshot(path=folder / "report.png")
    iam.update_assume_role_policy(RoleName=role, PolicyDocument=to_json(good))
    page.reload()
    page.get_by_role("button", name="Verify now").click()
    page.locator(".outcome .notice.good").wait_for()


def _dataset(page: Page, folder: Path) -> None:
    page.goto("/console/datasets")
    page.get_by_role("button", name="Create dataset").click()
    page.get_by_label("Name").fill("Training images")
    page.get_by_role("dialog").get_by_role("button", name="Create dataset").click()
    page.get_by_role("button", name="Sync now").click()
    page.get_by_text("The last one succeeded").wait_for()
    page.get_by_label("Path").fill("photos/")
    page.get_by_role("button", name="Filter").click()
    page.get_by_role("link", name="Thumbnails").click()
    page.wait_for_load_state("networkidle")
    page.screenshot(path=folder / "dataset.png")


def _dark(browser: Browser, server: Installation, folder: Path) -> None:
    page = _signed_in(browser, server, "dark")
    page.goto(f"/console/credentials?location={server.location.id}")
    page.get_by_label("Folders").fill("cats/")
    page.get_by_role("button", name="Get credentials").click()
    page.locator(".tabs").wait_for()
    page.screenshot(path=folder / "credentials.png")
    page.goto("/console/audit")
    page.get_by_role("button", name="Verify the chain").click()
    page.locator("#verdict .badge").wait_for()
    page.screenshot(path=folder / "audit.png")
    page.close()


if __name__ == "__main__":
    take(Path(sys.argv[1]))
