"""What strangers can try: text that wants to be markup, foreign frames, foreign forms."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import httpx2
from playwright.sync_api import Browser, Page, expect

from support.aws import client
from support.browser import sign_in, watched_page
from support.real_api import PASSWORD
from support.server import FOLDER, OWNER, Installation

HOSTILE: Final = '"><img src=x onerror="document.title=1"><script>document.title=2</script>'
#: The same as a file's name, which has no slash.
HOSTILE_FILE: Final = '"><img src=x onerror="document.title=1">.png'


@contextmanager
def foreign_site(body: str) -> Iterator[str]:
    """Another site, on another port of this machine, with one page."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            page = f"<!doctype html><title>foreign</title>{body}".encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(page)))
            self.end_headers()
            self.wfile.write(page)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the base's name
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_names_files_and_metadata_that_want_to_be_markup_stay_text_everywhere(
    browser: Browser, valetkey_server: Installation
) -> None:
    aws = valetkey_server.aws
    client(aws, "s3").put_object(
        Bucket=valetkey_server.setup.bucket, Key=f"{FOLDER}{HOSTILE_FILE}", Body=b"no picture"
    )
    with watched_page(
        browser,
        valetkey_server.url,
        others=(aws.endpoint,),
        # The hostile file is no picture, and a browser may say that it could not show it.
        expected=("status of 422",),
    ) as page:
        sign_in(page, OWNER)
        make_hostile_things(page, valetkey_server)
        page.get_by_role("button", name="Sync now").click()
        expect(page.locator("#sync")).to_contain_text("added")
        expect(page.locator("#items")).to_contain_text(HOSTILE_FILE)
        dataset = page.url.partition("?")[0]
        write_hostile_metadata(valetkey_server, dataset.rpartition("/")[2])
        for path in ("", "/integrations", "/locations", "/datasets", "/credentials", "/audit"):
            page.goto(f"/console{path}")
            expect(page).to_have_title(titled(page))
        page.goto(f"{dataset}?view=grid")
        page.locator(".thumb", has_text=HOSTILE_FILE).click()
        expect(page.locator("dialog #metadata")).to_contain_text(HOSTILE[2:20])
        page.keyboard.press("Escape")
        page.goto("/console/tokens")
        page.get_by_label("What is the token for?").fill(HOSTILE[:99])
        page.get_by_role("button", name="Create API token").click()
        expect(page.locator("#token-made")).to_contain_text(HOSTILE[:20])
        page.get_by_role("button", name=f"Revoke {HOSTILE[:30]}").click()
        expect(page.get_by_role("dialog")).to_contain_text(HOSTILE[:99])
        expect(page).to_have_title("API tokens · Valetkey")


def titled(page: Page) -> str:
    """The title that a page's own heading stands for; a script that ran has changed it."""
    return f"{page.locator('h1').text_content()} · Valetkey"


def make_hostile_things(page: Page, server: Installation) -> None:
    """An integration, a location and a dataset, each with a name that is an attack."""
    name = HOSTILE[:99]
    key = server.setup.key
    page.goto("/console/integrations")
    page.get_by_role("button", name="Create Integration").click()
    panel = page.get_by_role("dialog", name="Create Integration")
    panel.get_by_label("Integration Name").fill(name)
    panel.get_by_label("Key", exact=True).fill(HOSTILE)
    expect(page.locator("#key-error")).to_contain_text("not an access key")
    panel.get_by_label("Key", exact=True).fill(key.id)
    panel.get_by_label("Secret").fill(key.secret.reveal())
    panel.get_by_label("Role ARN").fill(HOSTILE)
    expect(page.locator("#role_arn-error")).to_contain_text("not the ARN")
    panel.get_by_label("Role ARN").fill(server.setup.role_arn)
    panel.get_by_role("button", name="Create Integration").click()
    expect(panel.locator(".outcome")).to_contain_text(f"The integration {name} works.")
    page.goto("/console/locations")
    page.get_by_role("button", name="Create location").click()
    panel = page.get_by_role("dialog", name="Create location")
    panel.get_by_label("Name").fill(name)
    panel.get_by_label("Bucket", exact=True).fill(server.setup.bucket)
    panel.get_by_label("Folder").fill(FOLDER)
    panel.get_by_role("button", name="Create location").click()
    expect(panel).to_contain_text(f"The location {name} is created.")
    page.goto("/console/datasets")
    page.get_by_role("button", name="Create dataset").click()
    panel = page.get_by_role("dialog", name="Create dataset")
    panel.get_by_label("Name").fill(name)
    panel.get_by_label("Location").select_option(index=0)
    panel.get_by_role("button", name="Create dataset").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(name)


def write_hostile_metadata(server: Installation, dataset_id: str) -> None:
    """As any program of a developer's could, over the API."""
    with httpx2.Client(
        base_url=f"{server.url}/api/v1",
        headers={"Authorization": f"Bearer {server.token(OWNER)}"},
    ) as http:
        found = http.post(
            f"/datasets/{dataset_id}/query", json={"filter": {"type": "file"}, "pageSize": 1000}
        )
        for item in found.json()["items"]:
            changed = http.patch(
                f"/items/{item['id']}", json={"metadata": {"user": {HOSTILE: HOSTILE}}}
            )
            assert changed.status_code == 200


def test_a_foreign_page_cant_show_the_console_in_a_frame(
    browser: Browser, valetkey_server: Installation
) -> None:
    frame = f'<iframe name="inside" src="{valetkey_server.url}/console"></iframe>'
    with (
        foreign_site(frame) as site,
        watched_page(
            browser,
            valetkey_server.url,
            others=(site,),
            expected=("frame-ancestors", "X-Frame-Options", "X-Frame"),
        ) as page,
    ):
        sign_in(page, OWNER)
        page.goto(site)
        inside = page.frame("inside")
        assert inside is not None
        assert inside.locator(".frame, .gate").count() == 0


def test_a_foreign_form_changes_nothing_though_the_browser_sends_the_session(
    browser: Browser, valetkey_server: Installation
) -> None:
    # Another port of the same host is the same site to a browser: it sends the cookie.
    form = (
        f'<form method="post" action="{valetkey_server.url}/console/projects">'
        '<input name="project-name" value="forged"><button>Win a prize</button></form>'
    )
    with (
        foreign_site(form) as site,
        watched_page(
            browser, valetkey_server.url, others=(site,), expected=("status of 403",)
        ) as page,
    ):
        sign_in(page, OWNER)
        page.goto(site)
        page.get_by_role("button").click()
        expect(page.get_by_text("did not come from a page of this console")).to_be_visible()
        page.goto("/console/projects")
        expect(page.get_by_text("forged")).to_have_count(0)


def test_a_link_to_the_sign_in_leads_to_no_other_site(
    browser: Browser, valetkey_server: Installation
) -> None:
    with watched_page(browser, valetkey_server.url) as page:
        page.goto("/console/signin?next=//evil.example/console")
        page.get_by_label("E-mail address").fill(OWNER)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        expect(page).to_have_url(f"{valetkey_server.url}/console")
