"""Who the caller is, and logins."""

from __future__ import annotations

from typing import Annotated, ClassVar, Final

from valetkey.wire.base import (
    ID,
    Body,
    Created,
    Id,
    Moment,
    Page,
    Paging,
    Shape,
    moment_meta,
    says,
)
from valetkey.wire.operation import Operation
from valetkey.wire.orgs import OrgRole
from valetkey.wire.projects import ProjectRole


class OwnOrg(Shape, frozen=True):
    """An organisation of the caller's, and the role in it."""

    id: Id
    name: Annotated[str, says("Its name.", "Acme")]
    role: Annotated[OrgRole, says("The caller's role.", "owner")]


class OwnProject(Shape, frozen=True):
    """A project that the caller may see, and the role in it."""

    id: Id
    org_id: Annotated[str, says("The organisation that it belongs to.", ID)]
    name: Annotated[str, says("Its name.", "vision")]
    role: Annotated[
        ProjectRole | None, says("The caller's role; absent: none of one's own.", "developer")
    ] = None


class Me(Shape, frozen=True):
    """Who is asking."""

    id: Id
    email: Annotated[str, says("Their e-mail address.", "ada@example.com")]
    orgs: Annotated[list[OwnOrg], says("The organisations that they belong to.")]
    projects: Annotated[list[OwnProject], says("The projects that they may see.")]
    token_id: Annotated[str | None, says("The API token that is used; absent for a login.", ID)] = (
        None
    )


class NewLogin(Body, frozen=True):
    """An e-mail address and its password."""

    email: Annotated[str, says("The e-mail address.", "ada@example.com", max_length=254)]
    password: Annotated[str, says("The password.", "correct horse battery staple", max_length=1024)]

    def __repr__(self) -> str:
        return "<NewLogin>"


class Renewal(Body, frozen=True):
    """A login's token that is still good."""

    token: Annotated[str, says("The login's token.", "eyJhbGciOi...", max_length=8192)]

    def __repr__(self) -> str:
        return "<Renewal>"


class Login(Shape, frozen=True):
    """A login's token, for `Authorization: Bearer`."""

    token: Annotated[str, says("The token.", "eyJhbGciOi...")]
    expires_at: Annotated[Moment, moment_meta("When it ends; renew it before.")]

    def __repr__(self) -> str:
        return f"<Login until {self.expires_at}>"


class PasswordChange(Body, frozen=True):
    """The caller's password, and the one that is to take its place."""

    old: Annotated[str, says("The password of now.", "correct horse battery staple")]
    new: Annotated[str, says("The new one, of at least 12 letters.", "purple monkey dishwasher")]

    def __repr__(self) -> str:
        return "<PasswordChange>"


_TAG: Final = "accounts"


class Session(Shape, frozen=True):
    """Somebody signed in to the console with one browser."""

    observed: ClassVar = ("last_seen_at",)

    id: Id
    created_at: Created
    last_seen_at: Annotated[Moment, moment_meta("When it was last used, to a minute.")]
    expires_at: Annotated[Moment, moment_meta("When it ends, however much it is used.")]
    browser: Annotated[str | None, says("What the browser calls itself.", "Mozilla/5.0")] = None
    source: Annotated[str | None, says("From which network address.", "192.0.2.7")] = None


GET_ME: Final = Operation(
    id="getMe",
    method="GET",
    path="/v1/me",
    tag=_TAG,
    summary="Show who is asking, with their organisations, projects and roles.",
    result=Me,
)
CREATE_LOGIN: Final = Operation(
    id="createLogin",
    hashes=True,
    method="POST",
    path="/v1/logins",
    tag=_TAG,
    summary="Exchange a password for a login's token.",
    body=NewLogin,
    result=Login,
    errors=("unauthenticated",),
    public=True,
)
RENEW_LOGIN: Final = Operation(
    id="renewLogin",
    method="POST",
    path="/v1/logins/renew",
    tag=_TAG,
    summary="Exchange a login's token that is still good for a later one.",
    body=Renewal,
    result=Login,
    errors=("unauthenticated",),
    public=True,
)
CHANGE_PASSWORD: Final = Operation(
    id="changePassword",
    hashes=True,
    method="PUT",
    path="/v1/me/password",
    tag=_TAG,
    summary="Replace one's password; all earlier logins end.",
    body=PasswordChange,
    result=Login,
    errors=("changed_meanwhile",),
)
SIGN_OUT_EVERYWHERE: Final = Operation(
    id="signOutEverywhere",
    method="POST",
    path="/v1/me/sign-out",
    tag=_TAG,
    summary="End all of one's logins; the answer is a new one. API tokens stay.",
    result=Login,
    errors=("changed_meanwhile",),
)
LIST_SESSIONS: Final = Operation(
    id="listSessions",
    method="GET",
    path="/v1/me/sessions",
    tag=_TAG,
    summary="List one's sessions of the console, newest first.",
    query=Paging,
    result=Page[Session],
)
GET_SESSION: Final = Operation(
    id="getSession",
    method="GET",
    path="/v1/me/sessions/{sessionId}",
    tag=_TAG,
    summary="Show one of one's sessions of the console.",
    result=Session,
)
END_SESSION: Final = Operation(
    id="endSession",
    method="DELETE",
    path="/v1/me/sessions/{sessionId}",
    tag=_TAG,
    summary="End one of one's sessions of the console at once.",
    status=204,
    versioned=True,
)
OPERATIONS: Final = (
    GET_ME,
    CREATE_LOGIN,
    RENEW_LOGIN,
    CHANGE_PASSWORD,
    SIGN_OUT_EVERYWHERE,
    LIST_SESSIONS,
    GET_SESSION,
    END_SESSION,
)
