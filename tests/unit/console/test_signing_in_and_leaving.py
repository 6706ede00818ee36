"""What a sign-in to the console is worth, to whom, and when it ends: over HTTP, as browsers and
whoever holds one of their cookies would try it."""

from __future__ import annotations

import asyncio
import html
import re

import httpx2

from support.console import ORIGIN, Visitor, visitor_of
from support.memory import Memory
from valetkey.domain.access import ProjectRole
from valetkey.domain.scope import AccessLevel
from valetkey.services.vending import VendRequest

EVE = "eve@example.com"
NEXT = "another long pass phrase"


def cookie_of(visitor: Visitor) -> str:
    """The cookie that signs somebody in, as somebody else could have read it off the disk."""
    return visitor.http.cookies["valetkey_session"]


def with_cookie(memory: Memory, cookie: str) -> Visitor:
    """Somebody who holds a cookie, however they came by it."""
    return visitor_of(memory, cookies={"valetkey_session": cookie})


async def sign_in(memory: Memory, email: str, password: str) -> httpx2.Response:
    """Try to sign in at the form."""
    visitor = visitor_of(memory)
    page = await visitor.get("/signin")
    token = re.search(r'name="csrf-token" content="([^"]+)"', page.text)
    assert token
    form = {"csrf": token[1], "email": email, "password": password}
    return await visitor.http.post("/console/signin", data=form, headers={"Origin": ORIGIN})


async def test_signing_out_ends_the_session_for_whoever_kept_its_cookie(owner: Visitor) -> None:
    cookie = cookie_of(owner)
    assert (await with_cookie(owner.memory, cookie).get("/people")).status_code == 200
    await owner.post("/signout", part=False)
    for path in ("", "/people", "/audit", "/tokens"):
        refused = await with_cookie(owner.memory, cookie).get(path)
        assert refused.status_code == 302
        assert refused.headers["location"].startswith("/console/signin")


async def test_the_consoles_cookie_opens_the_console_and_no_api(owner: Visitor) -> None:
    cookie, paths = cookie_of(owner), ("/v1/me", "/v1/locations", "/dataloop/api/v1/projects")
    for path in paths:
        shown = {"Authorization": f"Bearer {cookie}"}
        assert (await owner.http.get(path, headers=shown)).status_code == 401
        assert (await owner.http.get(path)).status_code == 401  # the browser sends it, too


async def test_of_many_guesses_at_once_few_are_tried_and_the_right_one_is_not_among_them(
    memory: Memory,
) -> None:
    await memory.member(EVE, ProjectRole.ANNOTATOR)
    guesses = [f"wrong wrong wrong {number}" for number in range(60)]
    answers = await asyncio.gather(*(sign_in(memory, EVE, guess) for guess in guesses))
    statuses = [answer.status_code for answer in answers]
    assert set(statuses) == {401, 429}
    assert statuses.count(401) <= 5
    tried = await sign_in(memory, EVE, "correct horse battery staple")
    assert tried.status_code == 429
    assert "Retry" in tried.text or "again" in tried.text


async def test_somebody_who_is_removed_and_added_again_starts_with_the_new_password_alone(
    owner: Visitor,
) -> None:
    memory = owner.memory
    await memory.member(EVE, ProjectRole.DEVELOPER)
    eve = visitor_of(memory)
    await eve.sign_in(EVE)
    cookie = cookie_of(eve)
    await owner.post("/people/members/remove", {"email": EVE}, part=False)
    assert (await eve.get("/people")).status_code == 302
    form = {"email": EVE, "role": "member", "password": NEXT}
    added = await owner.post("/people/members", form)
    assert added.headers["hx-redirect"] == "/console/people?done=member-saved"
    assert (await with_cookie(memory, cookie).get("/people")).status_code == 302
    assert (await sign_in(memory, EVE, "correct horse battery staple")).status_code == 401
    assert (await sign_in(memory, EVE, NEXT)).status_code == 303


async def test_what_is_ended_says_that_sessions_work_on_where_some_do(owner: Visitor) -> None:
    memory = owner.memory
    location = await memory.location()
    eve = await memory.member(EVE, ProjectRole.DEVELOPER)
    members = f"/projects/{memory.project.id}/members"
    lower = {"email": EVE, "role": "annotator"}
    quiet = await owner.post(members, lower)
    assert "work on" not in (await owner.get(_address(quiet))).text
    await owner.post(members, {"email": EVE, "role": "engineer"})
    read = VendRequest(("",), frozenset({AccessLevel.READ}))
    await memory.services.vending.vend(eve, location.id, read)
    for answer in (
        await owner.post(members, lower),
        await owner.post(f"/locations/{location.id}/delete", {}, part=False),
    ):
        said = (await owner.get(_address(answer))).text
        assert "AWS sessions that were vended before work on" in said


def _address(answer: httpx2.Response) -> str:
    at = answer.headers.get("hx-redirect") or answer.headers["location"]
    return at.removeprefix("/console")


async def test_a_forgotten_password_is_set_by_a_link_that_works_once_and_ends_old_sign_ins(
    owner: Visitor,
) -> None:
    memory = owner.memory
    await memory.member(EVE, ProjectRole.DEVELOPER)
    eve = visitor_of(memory)
    await eve.sign_in(EVE)
    made = await owner.post("/people/links", {"email": EVE})
    found = re.search(r"/console(/password\?link=\S+?)<", html.unescape(made.text))
    assert found
    forgetful = visitor_of(memory)
    page = await forgetful.get(found[1])
    token = re.search(r'name="csrf-token" content="([^"]+)"', page.text)
    assert token
    form = {"csrf": token[1], "link": found[1].partition("=")[2], "password": NEXT}
    answers = [
        await forgetful.http.post("/console/password", data=form, headers={"Origin": ORIGIN})
        for _ in range(2)
    ]
    assert [answer.status_code for answer in answers] == [303, 403]
    assert (await eve.get("/people")).status_code == 302
    assert (await sign_in(memory, EVE, NEXT)).status_code == 303


async def test_sign_ins_good_and_bad_stand_in_the_trail_that_the_page_shows(
    owner: Visitor,
) -> None:
    await sign_in(owner.memory, "ada@example.com", "wrong wrong wrong")
    text = (await owner.get("/audit?action=user.sign_in")).text
    assert "allowed</span>" in text
    assert "denied</span>" in text
