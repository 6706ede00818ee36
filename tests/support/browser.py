"""The system's Chromium, driven by Playwright, and a watch over what pages do in it.

Playwright's synchronous interface keeps an event loop in its thread: a module that uses
``chromium`` has synchronous tests only, and starts its server first.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from support.real_api import PASSWORD

ARGUMENTS: Final = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
REQUIRED: Final = "VALETKEY_REQUIRE_BROWSER"
#: Nothing that works takes so long, in milliseconds.
LONG: Final = 90_000


def find_chromium() -> str:
    """Return the path of the system's Chromium; skip, or fail where it is demanded, without."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        words = "Chromium is not installed, so the console was not tried in a browser."
        if os.environ.get(REQUIRED) == "1":
            pytest.fail(f"{words} {REQUIRED}=1 demands that it is.")
        pytest.skip(words)
    return path


@contextmanager
def chromium(*more: str) -> Iterator[Browser]:
    """Run the browser, with more arguments, until the block ends."""
    path = find_chromium()
    expect.set_options(timeout=LONG)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path, args=[*ARGUMENTS, *more], timeout=LONG
        )
        yield browser
        browser.close()


@dataclass
class Watch:
    """What must not happen on any page: errors, dialogs, and requests to anybody else."""

    origins: frozenset[str]
    problems: list[str] = field(default_factory=list)
    expected: tuple[str, ...] = ()

    def over(self, context: BrowserContext) -> None:
        context.on("console", self._heard)
        context.on("weberror", lambda error: self.problems.append(f"error: {error.error}"))
        context.on("dialog", self._asked)
        context.on("request", self._requested)

    def _heard(self, message: Any) -> None:
        if message.type == "error" and not any(part in message.text for part in self.expected):
            self.problems.append(f"console: {message.text}")

    def _asked(self, dialog: Any) -> None:
        self.problems.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _requested(self, request: Any) -> None:
        parts = urlsplit(request.url)
        origin = f"{parts.scheme}://{parts.netloc}"
        if parts.scheme not in {"data", "blob"} and origin not in self.origins:
            self.problems.append(f"request: {request.url}")


@contextmanager
def watched_page(
    browser: Browser,
    url: str,
    *,
    others: tuple[str, ...] = (),
    expected: tuple[str, ...] = (),
    **options: Any,
) -> Iterator[Page]:
    """A page in a context of its own, whose watch must have seen nothing in the end.

    ``others`` are origins that requests may go to besides the server's; ``expected`` are parts of
    console errors that the test brings about on purpose.
    """
    context = browser.new_context(base_url=url, **options)
    context.set_default_timeout(LONG)
    context.grant_permissions(["clipboard-read", "clipboard-write"], origin=url)
    watch = Watch(frozenset({url, *others}), expected=expected)
    watch.over(context)
    page = context.new_page()
    yield page
    context.close()
    assert watch.problems == [], watch.problems


def sign_in(page: Page, email: str, password: str = PASSWORD) -> None:
    """Sign in at the form, and wait for the page behind it."""
    page.goto("/console")
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("heading", name="Overview").wait_for()
