"""A browser over the module's server, and a page of the owner's in it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from support.browser import chromium, sign_in, watched_page
from support.server import OWNER, Installation


@pytest.fixture(scope="module")
def browser(valetkey_server: Installation) -> Iterator[Browser]:
    assert valetkey_server.url
    with chromium() as running:
        yield running


@pytest.fixture
def expected() -> tuple[str, ...]:
    """Parts of console errors that a module's tests bring about on purpose."""
    return ("status of 4",)


@pytest.fixture
def page(
    browser: Browser, valetkey_server: Installation, expected: tuple[str, ...]
) -> Iterator[Page]:
    """A page on which the owner has signed in."""
    with watched_page(browser, valetkey_server.url, expected=expected) as opened:
        sign_in(opened, OWNER)
        yield opened
