"""Signing in and out: a session is a cookie that no script reads and no other site's form sends."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, urlsplit

from litestar import Response
from litestar.datastructures import Cookie
from litestar.response import Redirect

from valetkey.console.csrf import csrf_token, from_here, same_token
from valetkey.console.http import HttpRequest, HttpResponse
from valetkey.console.web import PREFIX, is_part, local_path
from valetkey.domain.errors import Denied, Unauthenticated
from valetkey.services.audit import Caller
from valetkey.services.registry import Services

SESSION: Final = "valetkey_session"
FORM: Final = "valetkey_form"
_MAX_AGE: Final = 12 * 3600
_FORM_VALUE: Final = re.compile(r"[\w-]{43}", re.ASCII)


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Somebody who is signed in, and the token of the forms shown to them."""

    caller: Caller
    csrf: str


def is_secure(request: HttpRequest) -> bool:
    """Tell whether the browser talks TLS to us (the scheme as the server saw or was told)."""
    return request.url.scheme == "https"


def session_cookie(request: HttpRequest, token: str) -> Cookie:
    """Return the cookie that signs somebody in."""
    return _cookie(request, SESSION, token, _MAX_AGE)


def form_cookie(request: HttpRequest) -> Cookie:
    """Return the cookie whose value the sign-in form must repeat.

    One that is there is kept, so that a form in a second tab does not void the first.
    """
    known = request.cookies.get(FORM, "")
    value = known if _FORM_VALUE.fullmatch(known) else secrets.token_urlsafe(32)
    return _cookie(request, FORM, value, 3600)


def _cookie(request: HttpRequest, key: str, value: str, age: int) -> Cookie:
    return Cookie(
        key=key,
        value=value,
        path="/",
        max_age=age,
        httponly=True,
        secure=is_secure(request),
        samesite="lax" if key == SESSION else "strict",
    )


async def open_session(request: HttpRequest, services: Services) -> SignedIn:
    """Return who is signed in. Raises Unauthenticated."""
    token = request.cookies.get(SESSION, "")
    if not token:
        raise _not_signed_in()
    source = request.client.host if request.client else ""
    principal = await services.sessions.of(token)
    caller = Caller(principal, request_id=request_id_of(request), source=source)
    return SignedIn(caller, csrf_token(token))


def request_id_of(request: HttpRequest) -> str:
    """Return the id under which the logs and the audit trail know this request."""
    return str(request.scope.get("state", {}).get("request_id", ""))


def browser_of(request: HttpRequest) -> str:
    """Return what the browser calls itself."""
    return request.headers.get("user-agent", "")


async def require_own_form(request: HttpRequest) -> None:
    """Refuse a changing request that did not come from one of this session's own pages.

    Raises Denied; Unauthenticated where there is no session that a forged one could use.
    """
    expected = csrf_token(request.cookies.get(SESSION, ""))
    given = request.headers.get("x-csrf-token", "")
    if not given and "form" in request.headers.get("content-type", ""):
        given = str((await request.form()).get("csrf", ""))
    if not request.cookies.get(SESSION):
        raise _not_signed_in()
    if not from_here(request.headers) or not same_token(given, expected):
        raise _forged()


async def require_sign_in_form(request: HttpRequest, given: str) -> None:
    """Refuse a sign-in that did not come from our own form. Raises Denied."""
    if not from_here(request.headers) or not same_token(given, request.cookies.get(FORM, "")):
        raise _forged()


def _not_signed_in() -> Unauthenticated:
    return Unauthenticated("You are not signed in.", hint="Sign in, and try again.")


def _forged() -> Denied:
    return Denied(
        "This request did not come from a page of this console.",
        hint="Load the page again, and repeat what you did there.",
    )


def to_sign_in(request: HttpRequest) -> HttpResponse:
    """Send somebody who is not signed in to the form, and afterwards back to the page that they
    were on."""
    target = f"{PREFIX}/signin?next={quote(_page_of(request), safe='/')}"
    if is_part(request):
        return Response(b"", status_code=401, headers={"HX-Redirect": target})
    return Redirect(path=target)


def _page_of(request: HttpRequest) -> str:
    """Return the page that a request came from: its own address, unless it is for a part of a page
    or comes from a form, whose address shows nothing."""
    if is_part(request):
        shown = request.headers.get("hx-current-url", "")
    elif request.method in {"GET", "HEAD"}:
        shown = str(request.url)
    else:
        shown = request.headers.get("referer", "")
    parts = urlsplit(shown)
    return local_path(f"{parts.path}?{parts.query}".rstrip("?"))


def end_session(response: HttpResponse) -> None:
    """Forget the session cookie."""
    response.delete_cookie(SESSION, path="/")
