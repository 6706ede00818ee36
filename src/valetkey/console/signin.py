"""Signing in and out."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, get, post
from litestar.response import Redirect

from valetkey.console.given import Services
from valetkey.console.session import (
    FORM,
    end_session,
    form_cookie,
    require_own_form,
    require_sign_in_form,
    session_cookie,
)
from valetkey.console.web import PREFIX, html, local_path, sentence
from valetkey.domain.errors import Denied, TooManyRequests, Unauthenticated
from valetkey.domain.secret import Secret


def _form(
    request: Request[Any, Any, Any],
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
async def sign_in_form(request: Request[Any, Any, Any]) -> Response[str]:
    """Show the form."""
    return _form(request, target=local_path(request.query_params.get("next", PREFIX)))


@post("/signin", status_code=200)
async def sign_in(request: Request[Any, Any, Any], services: Services) -> Response[Any]:
    """Exchange a password for a session. A wrong one shows the form again, and says so."""
    form = await request.form()
    email, target = str(form.get("email", ""))[:254], local_path(str(form.get("next", PREFIX)))
    try:
        await require_sign_in_form(request, str(form.get("csrf", "")))
        source = request.client.host if request.client else ""
        login = await services.accounts.login(
            email,
            Secret(str(form.get("password", ""))),
            source=source,
            request_id=request.scope.get("state", {}).get("request_id", ""),
        )
    except (Unauthenticated, TooManyRequests, Denied) as error:
        status = {Unauthenticated: 401, TooManyRequests: 429}.get(type(error), 403)
        return _form(request, target=target, email=email, status=status, error=sentence(error))
    response: Response[Any] = Redirect(path=target, status_code=303)
    response.set_cookie(session_cookie(request, login.token.reveal()))
    response.delete_cookie(FORM, path="/")
    return response


@post("/signout", status_code=303)
async def sign_out(request: Request[Any, Any, Any]) -> Response[Any]:
    """End the session in this browser."""
    await require_own_form(request)
    response: Response[Any] = Redirect(path=f"{PREFIX}/signin", status_code=303)
    end_session(response)
    return response


ROUTES = (sign_in_form, sign_in, sign_out)
