"""Whatever is wrong with an address of the console, a browser gets a page with words."""

from __future__ import annotations

from typing import Any

import pytest

from support.console import Visitor

pytest_plugins = ["support.memory", "support.console"]
_ODD = (
    *("/%00", "/integrations/%00", "/x%0ay", "/locations/%ed%a0%80", "/%ff", "?x=%00", "//", "/"),
    *(
        "/integrations?project=%00",
        "//integrations",
        "/nosuch",
        "/integrations/x/y/z",
        "/%e2%80%ae",
    ),
    *("/static/nosuch.js", "/static/%00", "/static/x/..%2f..", "/" + "x" * 9000, "/signin/%00"),
    *("/people?limit=-1", "/audit?since=x", "/audit?cursor=%ff", "/leases?active=nosuch"),
    *("/signin?next=%0a", "/datasets/x/items/%01", "/locations/x/nosuch"),
)


async def _require_page(visitor: Visitor, method: str, path: str, **more: Any) -> None:
    answer = await visitor.http.request(method, f"/console{path}", **more)
    assert answer.status_code < 500, answer.text
    if answer.is_redirect or (method == "OPTIONS" and answer.status_code == 204):
        return
    assert answer.headers["content-type"].startswith("text/html"), answer.text
    if answer.is_error and method != "HEAD":
        assert 'role="alert"' in answer.text
        is_form = "current-password" in answer.text  # it says itself what is wrong
        assert is_form or answer.headers["x-request-id"] in answer.text
    assert method != "HEAD" or not answer.content


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PROPFIND"])
@pytest.mark.parametrize("path", _ODD, ids=lambda path: path[:30])
async def test_an_address_that_is_none_is_answered_with_a_page(
    visitor: Visitor, method: str, path: str
) -> None:
    await _require_page(visitor, method, path)
    await visitor.sign_in()
    await _require_page(visitor, method, path)


async def test_headers_and_bodies_that_are_none_are_answered_with_a_page(owner: Visitor) -> None:
    two = [("Authorization", "x"), ("Authorization", "y")]
    for headers in (two, {"Content-Type": "multipart/form-data"}, {"Content-Type": "nosuch;;=="}):
        for body in (b"", b"a=b", b"%ff=%ff&" * 10, b"a" * (2 << 20)):
            for method in ("GET", "POST"):
                await _require_page(owner, method, "/integrations", headers=headers, content=body)


async def test_a_page_that_is_not_there_is_named(owner: Visitor) -> None:
    answer = await owner.get("/integrations/x/y/z")
    assert answer.status_code == 404
    assert "There is no page &#39;/console/integrations/x/y/z&#39;." in answer.text
