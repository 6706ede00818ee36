"""Who the caller is, and logins."""

from __future__ import annotations

from typing import Final

from valetkey.api.mapping import ShapeMapper
from valetkey.api.v1.calls import ApiCall, route
from valetkey.api.v1.pages import cursor, page_of, read_cursor
from valetkey.api.v1.routes.projects import project_role
from valetkey.domain.people import BrowserSession
from valetkey.domain.secret import Secret
from valetkey.identity.accounts import Login
from valetkey.services.lookup import missing
from valetkey.wire import accounts as wire
from valetkey.wire.base import Nothing, Page, Paging


async def get_me(call: ApiCall[Nothing, Nothing]) -> wire.Me:
    people, principal = call.services.people, call.caller.principal
    return wire.Me(
        id=principal.user_id,
        email=principal.email,
        orgs=[
            wire.OwnOrg(id=org.id, name=org.name, role=principal.org_roles[org.id].value)
            for org in await people.organizations(call.caller)
        ],
        projects=[
            wire.OwnProject(
                id=project.id,
                org_id=project.org_id,
                name=project.name,
                role=project_role(principal, project),
            )
            for project in await people.projects(call.caller)
        ],
        token_id=principal.token_id or None,
    )


def _login(login: Login) -> wire.Login:
    return wire.Login(token=login.token.reveal(), expires_at=login.claims.expires_at)


async def create_login(call: ApiCall[Nothing, wire.NewLogin]) -> wire.Login:
    password = Secret(call.body.password)
    caller = call.caller
    return _login(
        await call.services.accounts.login(
            call.body.email, password, source=caller.source, request_id=caller.request_id
        )
    )


async def renew_login(call: ApiCall[Nothing, wire.Renewal]) -> wire.Login:
    return _login(await call.services.accounts.refresh(Secret(call.body.token)))


async def change_password(call: ApiCall[Nothing, wire.PasswordChange]) -> wire.Login:
    old, new = Secret(call.body.old), Secret(call.body.new)
    return _login(await call.services.accounts.change_password(call.caller, old, new))


async def sign_out_everywhere(call: ApiCall[Nothing, Nothing]) -> wire.Login:
    return _login(await call.services.accounts.sign_out_everywhere(call.caller))


_session: Final = ShapeMapper(wire.Session, BrowserSession)


async def list_sessions(call: ApiCall[Paging, Nothing]) -> Page[wire.Session]:
    after = read_cursor(call.query.cursor, tuple[str])
    own = await call.services.sessions.own(call.caller)
    found = [session for session in own if after is None or session.id < after[0]]
    shown = found[: call.query.limit]
    following = cursor(shown[-1].id) if len(found) > len(shown) else None
    return page_of(shown, _session, following)


async def get_session(call: ApiCall[Nothing, Nothing]) -> wire.Session:
    for session in await call.services.sessions.own(call.caller):
        if session.id == call["sessionId"]:
            return _session(session)
    raise missing(f"session:{call['sessionId'][:80]}")


async def end_session(call: ApiCall[Nothing, Nothing]) -> Nothing:
    await call.services.sessions.end(call.caller, call["sessionId"])
    return Nothing()


ROUTES: Final = (
    route(wire.GET_ME, get_me),
    route(wire.CREATE_LOGIN, create_login),
    route(wire.RENEW_LOGIN, renew_login),
    route(wire.CHANGE_PASSWORD, change_password),
    route(wire.SIGN_OUT_EVERYWHERE, sign_out_everywhere),
    route(wire.LIST_SESSIONS, list_sessions),
    route(wire.GET_SESSION, get_session),
    route(wire.END_SESSION, end_session),
)
