"""Signing in and out."""

from __future__ import annotations

from contextlib import suppress

from litestar import Response, get, post
from litestar.response import Redirect

from valetkey.console.dependencies import Services
from valetkey.console.http import HttpRequest, HttpResponse
from valetkey.console.session import (
    FORM,
    browser_of,
    end_session,
    form_cookie,
    open_session,
    request_id_of,
    require_own_form,
    require_sign_in_form,
    session_cookie,
)
from valetkey.console.web import PREFIX, html, local_path, sentence
from valetkey.domain.errors import Denied, InvalidInput, TooManyRequests, Unauthenticated
from valetkey.domain.secret import Secret
from valetkey.serving.disconnect import while_connected


def _form(
    request: HttpRequest,
    *,
    target: str,
    email: str = "",
    status: int = 200,
    error: dict[str, str] | None = None,
) -> Response[str]:
    cookie = form_cookie(request)
    response = html(
        "signin.html", status=status, csrf=cookie.value, next=target, email=email, error=error
    )
    response.set_cookie(cookie)
    return response


@get("/signin")
async def sign_in_form(request: HttpRequest) -> Response[str]:
    """Show the form."""
    return _form(request, target=local_path(request.query_params.get("next", PREFIX)))


@post("/signin", status_code=200)
async def sign_in(request: HttpRequest, services: Services) -> HttpResponse:
    """Exchange a password for a session. A wrong one shows the form again, and says so."""
    form = await request.form()
    email, target = str(form.get("email", ""))[:254], local_path(str(form.get("next", PREFIX)))
    try:
        await require_sign_in_form(request, str(form.get("csrf", "")))
        source = request.client.host if request.client else ""
        signing_in = services.sessions.sign_in(
            email,
            Secret(str(form.get("password", ""))),
            source=source,
            request_id=request_id_of(request),
            browser=browser_of(request),
        )
        cookie = await while_connected(request.receive, signing_in)
    except (Unauthenticated, TooManyRequests, Denied) as error:
        status = {Unauthenticated: 401, TooManyRequests: 429}.get(type(error), 403)
        return _form(request, target=target, email=email, status=status, error=sentence(error))
    response: HttpResponse = Redirect(path=target, status_code=303)
    response.set_cookie(session_cookie(request, cookie.reveal()))
    response.delete_cookie(FORM, path="/")
    return response


@post("/signout", status_code=303)
async def sign_out(request: HttpRequest, services: Services) -> HttpResponse:
    """End the session in this browser."""
    await require_own_form(request)
    with suppress(Unauthenticated):  # it has ended already
        session = await open_session(request, services)
        await services.sessions.end(session.caller, session.caller.principal.session_id)
    response: HttpResponse = Redirect(path=f"{PREFIX}/signin", status_code=303)
    end_session(response)
    return response


@get("/password")
async def password_form(request: HttpRequest) -> Response[str]:
    """Show the form that a one-time link opens. Looking at it does not use the link up."""
    return _password_form(request, link=request.query_params.get("link", "")[:100])


def _password_form(
    request: HttpRequest,
    *,
    link: str,
    status: int = 200,
    error: dict[str, str] | None = None,
) -> Response[str]:
    cookie = form_cookie(request)
    response = html("password.html", status=status, csrf=cookie.value, link=link, error=error)
    response.set_cookie(cookie)
    return response


@post("/password", status_code=200)
async def set_password(request: HttpRequest, services: Services) -> HttpResponse:
    """Set a password with a one-time link, and go on to sign in with it."""
    form = await request.form()
    link = str(form.get("link", ""))[:100]
    try:
        await require_sign_in_form(request, str(form.get("csrf", "")))
        await services.password_links.use(
            link,
            Secret(str(form.get("password", ""))),
            source=request.client.host if request.client else "",
            request_id=request_id_of(request),
        )
    except (InvalidInput, TooManyRequests, Denied) as error:
        status = {InvalidInput: 400, TooManyRequests: 429}.get(type(error), 403)
        return _password_form(request, link=link, status=status, error=sentence(error))
    return Redirect(path=f"{PREFIX}/signin", status_code=303)


ROUTES = (sign_in_form, sign_in, sign_out, password_form, set_password)
