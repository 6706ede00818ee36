"""People: who belongs to the organisation, and the reader's own password and sign-ins."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from litestar import Response, get, post

from valetkey.console.checks import refused
from valetkey.console.dependencies import Reader, Segment, Services
from valetkey.console.http import HttpRequest, HttpResponse
from valetkey.console.leases import show_left
from valetkey.console.menus import ListPart
from valetkey.console.page import lives_on
from valetkey.console.session import browser_of, session_cookie
from valetkey.console.web import PREFIX, fields, go_to, reload, tell
from valetkey.domain.access import OrgRole
from valetkey.domain.errors import Conflict, InvalidInput, TooManyRequests, Unauthenticated
from valetkey.domain.people import SERVICE_DOMAIN, OrgMember, User
from valetkey.domain.revocation import Kind
from valetkey.domain.secret import Secret

HERE: Final = "/people"


@get("/people")
async def show_people(request: HttpRequest, services: Services, reader: Reader) -> Response[str]:
    """Show the reader's sign-ins, and to an owner who belongs to the organisation."""
    members: Sequence[OrgMember] = ()
    blocked: set[str] = set()
    if reader.rights.manage_org:
        members = await services.people.org_members(reader.caller, reader.org.id)
        blocks = await services.blocks.of_org(reader.caller, reader.org.id)
        blocked = {block.target for block in blocks if block.kind is Kind.PRINCIPAL}
    people = [member for member in members if not member.email.endswith(SERVICE_DOMAIN)]
    return reader.page(
        "people/people.html",
        here=HERE,
        sessions=await services.sessions.own(reader.caller),
        this_session=reader.caller.principal.session_id,
        members=ListPart.of(request, people, lambda member: member.email),
        blocked=blocked,
        org=reader.org,
    )


@get("/people/members/remove")
async def ask_to_remove(request: HttpRequest, reader: Reader) -> Response[str]:
    """Ask before somebody leaves, naming whom the page named."""
    email = request.query_params.get("email", "")[:300]
    return reader.part("people/remove.html", email=email, org=reader.org)


@post("/people/members")
async def put_member(request: HttpRequest, services: Services, reader: Reader) -> HttpResponse:
    """Add a member of the organisation, or change one's role. Somebody new signs in with the
    password of the form, or with one that they set by a link, which this answer alone holds."""
    form = await fields(request)
    password, by_link = form.get("password", ""), form.get("link") == "yes"
    email = form.get("email", "")
    try:
        member, ending = await services.people.put_org_member(
            reader.caller,
            reader.org.id,
            email,
            _org_role(form.get("role", "")),
            password=Secret(password) if password else None,
            by_link=by_link,
        )
    except (InvalidInput, Conflict) as error:
        return refused(error, {"email": "email", "password": "password"}, otherwise="email-error")
    if by_link:
        return await _show_link(request, services, reader, member.email)
    return reload(f"/people?done=member-saved{lives_on(ending)}")


@post("/people/links", status_code=200)
async def create_link(request: HttpRequest, services: Services, reader: Reader) -> HttpResponse:
    """Make a one-time link with which a member sets a password. This answer alone holds it."""
    email = (await fields(request)).get("email", "")
    return await _show_link(request, services, reader, email)


async def _show_link(
    request: HttpRequest, services: Services, reader: Reader, email: str
) -> HttpResponse:
    link, secret = await services.password_links.create(reader.caller, reader.org.id, email)
    server = str(request.base_url).rstrip("/")
    address = f"{server}{PREFIX}/password?link={secret.reveal()}"
    part = reader.part("people/link.html", email=email, ends=link.expires_at, address=address)
    return tell(part)


@post("/people/members/remove", status_code=200)
async def remove_member(request: HttpRequest, services: Services, reader: Reader) -> HttpResponse:
    """Take somebody out of the organisation, and say what could not be ended."""
    form = await fields(request)
    left = await services.people.remove_org_member(
        reader.caller, reader.org.id, form.get("email", "")
    )
    return await show_left(services, reader, left, here=HERE, back="/people")


@post("/people/password")
async def change_password(request: HttpRequest, services: Services, reader: Reader) -> HttpResponse:
    """Replace the reader's password; every other sign-in ends."""
    form = await fields(request)
    try:
        user = await services.accounts.replace_password(
            reader.caller, Secret(form.get("old", "")), Secret(form.get("new", ""))
        )
    except InvalidInput as error:
        return refused(error, {}, otherwise="new-error")
    except (Unauthenticated, TooManyRequests) as error:
        return refused(error, {}, otherwise="old-error")
    response = reload("/people?done=password-changed")
    return await _signed_in_anew(request, services, reader, user, response)


@post("/people/elsewhere")
async def sign_out_elsewhere(
    request: HttpRequest, services: Services, reader: Reader
) -> HttpResponse:
    """End every sign-in of the reader but this one."""
    user = await services.accounts.end_all(reader.caller)
    response = go_to("/people?done=signed-out-elsewhere")
    return await _signed_in_anew(request, services, reader, user, response)


@post("/people/sessions/{session_id:str}/end")
async def end_session(services: Services, reader: Reader, session_id: Segment) -> HttpResponse:
    """End one of the reader's sessions."""
    await services.sessions.end(reader.caller, session_id)
    return go_to("/people?done=session-ended")


async def _signed_in_anew(
    request: HttpRequest,
    services: Services,
    reader: Reader,
    user: User,
    response: HttpResponse,
) -> HttpResponse:
    cookie = await services.sessions.start(
        user, source=reader.caller.source, browser=browser_of(request)
    )
    response.set_cookie(session_cookie(request, cookie.reveal()))
    return response


def _org_role(text: str) -> OrgRole:
    try:
        return OrgRole(text)
    except ValueError:
        raise InvalidInput("There is no such role.", hint="Choose one of the list.") from None


ROUTES = (
    show_people,
    ask_to_remove,
    put_member,
    create_link,
    remove_member,
    change_password,
    sign_out_elsewhere,
    end_session,
)
