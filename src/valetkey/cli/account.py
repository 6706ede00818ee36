"""Who is asking: log in, log out, who am I, my password, my sign-ins to the console."""

from __future__ import annotations

import os
import sys

from cyclopts import App

from valetkey.cli import render, show
from valetkey.cli.common import COMMON, Common, Flag
from valetkey.cli.connection import DEFAULT_URL, open_client
from valetkey.cli.logins import KeptLogin, login_file, read_login, write_login
from valetkey.cli.options import Yes
from valetkey.cli.secrets import SecretFile, read_secret
from valetkey.sdk.client import Client
from valetkey.sdk.errors import InvalidRequest
from valetkey.sdk.transport import checked_url
from valetkey.wire.accounts import OwnOrg, OwnProject

sessions = App(name="sessions", help="Your sign-ins to the console.")


def login(common: Common = COMMON, *, email: str = "", password_file: SecretFile = None) -> None:
    """Log in to a server, and keep the token in a file that only you read.

    Parameters
    ----------
    email
        Your e-mail address (default: it is asked for).
    password_file
        A file that holds the password; - is standard input (default: it is asked for).
    """
    url = checked_url(common.url or DEFAULT_URL)
    address = email or _asked_email()
    password = read_secret(password_file, "password", "--password-file")
    with Client(url) as client:
        token = client.accounts.create_login(email=address, password=password).token
    path = login_file(os.environ)
    write_login(path, KeptLogin(url, address, token))
    if common.form != "table":
        show.write_json({"url": url, "email": address, "file": str(path)})
    else:
        show.say(f"{address} is logged in at {url}. The token is in {path}.")


def _asked_email() -> str:
    if not sys.stdin.isatty():
        raise InvalidRequest("Nobody is there to type the e-mail address.", hint="Add --email.")
    return show.messages().input("E-mail address: ").strip()


def logout(common: Common = COMMON, *, everywhere: Flag = False) -> None:
    """Forget the token that login kept. API tokens stay as they are.

    Parameters
    ----------
    everywhere
        End all of your logins, on other machines and in browsers too.
    """
    path = login_file(os.environ)
    found = read_login(path)
    if everywhere:
        with open_client(common) as client:
            client.accounts.sign_out_everywhere()
    path.unlink(missing_ok=True)
    if common.form != "table":
        show.write_json({"loggedOut": found is not None})
    else:
        show.say(f"Forgot the login at {found.url}." if found else "You were not logged in.")


def whoami(common: Common = COMMON) -> None:
    """Say who the token belongs to, and the roles."""
    with open_client(common) as client:
        me = client.accounts.get_me()
        if common.form != "table":
            render.one(client, me)
            return
        token = [("API token", me.token_id)] if me.token_id else []
        show.facts([("you are", me.email), ("at", client.url), *token])
        rows = [*_rows("organisation", me.orgs), *_rows("project", me.projects)]
        show.table(("where", "name", "role", "id"), rows, empty="You belong to nothing here.")


def _rows(kind: str, places: list[OwnOrg] | list[OwnProject]) -> list[tuple[str, str, str, str]]:
    return [(kind, place.name, place.role or "", place.id) for place in places]


def password(
    common: Common = COMMON,
    *,
    old_file: SecretFile = None,
    new_file: SecretFile = None,
    link_file: SecretFile = None,
    by_link: Flag = False,
) -> None:
    """Change your password, or set it with a one-time link. All earlier logins end, but the one
    that login kept.

    Parameters
    ----------
    old_file
        A file that holds your password of now; - is standard input (default: it is asked for).
    new_file
        A file that holds the new one (default: it is asked for).
    link_file
        A file that holds the one-time link, which takes the place of the old password.
    by_link
        Ask for the one-time link instead of the old password.
    """
    if by_link or link_file is not None:
        link = read_secret(link_file, "one-time link", "--link-file").strip()
        new = read_secret(new_file, "new password", "--new-file", again=new_file is None)
        with Client(checked_url(common.url or link.partition("/console/")[0])) as client:
            client.accounts.use_password_link(link=link.rpartition("link=")[2], password=new)
        show.say("Your password is set: 'valetkey login'.")
        return
    old = read_secret(old_file, "password of now", "--old-file")
    new = read_secret(new_file, "new password", "--new-file", again=new_file is None)
    path = login_file(os.environ)
    with open_client(common) as client:
        changed = client.accounts.change_password(old=old, new=new)
        kept = read_login(path)
        if kept is not None and kept.url == client.url:
            write_login(path, KeptLogin(kept.url, kept.email, changed.token))
        render.done(client, "Your password is changed, and all earlier logins have ended.")


@sessions.command(name="list")
def list_sessions(common: Common = COMMON) -> None:
    """List your sign-ins to the console, newest first."""
    with open_client(common) as client:
        render.many(
            client,
            client.accounts.list_sessions(),
            ("id", "created_at", "last_seen_at", "source", "browser"),
            empty="You are signed in with no browser.",
        )


@sessions.command(name="show")
def show_session(session: str, /, *, common: Common = COMMON) -> None:
    """Show one of your sign-ins to the console.

    Parameters
    ----------
    session
        Its id: see 'valetkey sessions list'.
    """
    with open_client(common) as client:
        render.one(client, client.accounts.get_session(session))


@sessions.command
def end(session: str, /, *, yes: Yes = False, common: Common = COMMON) -> None:
    """End one of your sign-ins to the console at once.

    Parameters
    ----------
    session
        Its id: see 'valetkey sessions list'.
    """
    show.confirm(f"End the sign-in {session}?", yes=yes)
    with open_client(common) as client:
        client.accounts.end_session(session)
        render.done(client, f"The sign-in {session} has ended.")
