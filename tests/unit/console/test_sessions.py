from __future__ import annotations

import httpx2
import pytest

from support.console import ORIGIN, Visitor, visitor_of
from support.memory import OWNER, Memory
from valetkey.console.web import PREFIX, local_path


def cookie(response: httpx2.Response, name: str = "valetkey_session") -> str:
    return next(
        line for line in response.headers.get_list("set-cookie") if line.startswith(f"{name}=")
    )


async def test_a_password_opens_a_session_that_scripts_and_other_sites_cant_use(
    visitor: Visitor,
) -> None:
    response = await visitor.sign_in()
    assert (response.status_code, response.headers["location"]) == (303, "/console")
    assert {"HttpOnly", "Secure", "SameSite=lax"} <= set(cookie(response).split("; "))


async def test_without_tls_the_cookie_is_not_marked_secure_or_nobody_could_sign_in(
    memory: Memory,
) -> None:
    plain = visitor_of(memory)
    plain.http.base_url = httpx2.URL("http://valetkey.example.com")
    page = await plain.get("/signin")
    assert "Secure" not in cookie(page, "valetkey_form")


async def test_a_wrong_password_and_an_unknown_person_get_the_same_answer(
    visitor: Visitor,
) -> None:
    page = await visitor.get("/signin")
    token = page.text.split('name="csrf-token" content="')[1].split('"')[0]
    answers = []
    for email in (OWNER, "nobody@example.com"):
        form = {"csrf": token, "email": email, "password": "wrong wrong wrong"}
        answer = await visitor.http.post("/console/signin", data=form)
        answers.append((answer.status_code, answer.text.replace(email, "")))
    assert answers[0] == answers[1]
    assert answers[0][0] == 401


async def test_guessing_is_throttled(visitor: Visitor) -> None:
    page = await visitor.get("/signin")
    token = page.text.split('name="csrf-token" content="')[1].split('"')[0]
    form = {"csrf": token, "email": OWNER, "password": "wrong wrong wrong"}
    statuses = {
        (await visitor.http.post("/console/signin", data=form)).status_code for _ in range(30)
    }
    assert statuses == {401, 429}


async def test_a_sign_in_that_is_not_from_our_form_is_refused(visitor: Visitor) -> None:
    await visitor.get("/signin")
    form = {"csrf": "guessed", "email": OWNER, "password": "correct horse battery staple"}
    response = await visitor.http.post("/console/signin", data=form)
    assert response.status_code == 403
    assert "valetkey_session" not in visitor.http.cookies


async def test_signing_out_forgets_the_session(owner: Visitor) -> None:
    response = await owner.post("/signout", part=False)
    assert response.headers["location"] == "/console/signin"
    assert (await owner.get("/people")).status_code == 302


async def test_whoever_is_not_signed_in_comes_back_to_the_page_they_wanted(
    visitor: Visitor,
) -> None:
    response = await visitor.get("/audit?actor=ada")
    target = "/console/signin?next=/console/audit%3Factor%3Dada"
    assert response.headers["location"] == target
    shown = {"HX-Request": "true", "HX-Current-URL": f"{ORIGIN}/console/audit?actor=ada"}
    part = await visitor.get("/integrations/new", headers=shown)
    assert (part.status_code, part.headers["hx-redirect"]) == (401, target)
    form = {"Referer": f"{ORIGIN}/console/people", "Origin": ORIGIN}
    posted = await visitor.http.post("/console/people/elsewhere", data={}, headers=form)
    assert posted.headers["location"] == "/console/signin?next=/console/people"


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "/console\\@evil.example",
        "/consolevil",
        "/console.evil.example",
        "javascript:alert(1)",
        "/api/v1/users/me",
        "/console/\r\nSet-Cookie: a=b",
        "/console/\tx",
        "http:/console",
        "//[",
        "",
    ],
)
async def test_no_link_leads_whoever_signs_in_to_another_site(target: str) -> None:
    assert local_path(target) == PREFIX


@pytest.mark.parametrize("target", ["/console", "/console/audit", "/console?done=x"])
async def test_a_page_of_the_console_is_where_the_sign_in_leads(target: str) -> None:
    assert local_path(target) == target


async def test_a_password_change_ends_other_sessions_and_keeps_this_one(owner: Visitor) -> None:
    other = visitor_of(owner.memory)
    await other.sign_in()
    owner.memory.clock.advance(1)
    form = {"old": "correct horse battery staple", "new": "another horse battery staple"}
    response = await owner.post("/people/password", form)
    assert response.headers["hx-redirect"] == "/console/people?done=password-changed"
    assert (await owner.get("/people")).status_code == 200
    assert (await other.get("/people")).status_code == 302
    assert ORIGIN not in response.text
