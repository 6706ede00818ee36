"""Who is asking: log in, log out, who am I."""

from __future__ import annotations

import os
import sys

from valetkey.cli import show
from valetkey.cli.connection import COMMON, DEFAULT_URL, Common, open_client
from valetkey.cli.logins import Login, login_file, read_login, write_login
from valetkey.cli.secrets import SecretFile, read_secret
from valetkey.sdk import calls
from valetkey.sdk.client import Client
from valetkey.sdk.errors import InvalidRequest
from valetkey.sdk.models import Membership
from valetkey.sdk.transport import checked_url


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
        token = client.send(calls.login(address, password))
    path = login_file(os.environ)
    write_login(path, Login(url, address, token.id_token, token.refresh_token))
    if common.as_json:
        show.write_json({"url": url, "email": address, "file": str(path)})
    else:
        show.say(f"{address} is logged in at {url}. The token is in {path}.")


def _asked_email() -> str:
    if not sys.stdin.isatty():
        raise InvalidRequest("Nobody is there to type the e-mail address.", hint="Add --email.")
    return show.messages().input("E-mail address: ").strip()


def logout(common: Common = COMMON) -> None:
    """Forget the token that login kept. API keys stay as they are."""
    path = login_file(os.environ)
    found = read_login(path)
    path.unlink(missing_ok=True)
    if common.as_json:
        show.write_json({"loggedOut": found is not None})
    else:
        show.say(f"Forgot the login at {found.url}." if found else "You were not logged in.")


def whoami(common: Common = COMMON) -> None:
    """Say who the token belongs to, and the roles."""
    with open_client(common) as client:
        me = client.send(calls.me())
    if common.as_json:
        show.write_json(me)
        return
    show.facts([("you are", me.email), ("at", client.url)])
    rows = [*_rows("organisation", me.orgs), *_rows("project", me.projects)]
    show.table(("where", "name", "role", "id"), rows, empty="You belong to nothing here.")


def _rows(kind: str, places: list[Membership]) -> list[tuple[str, str, str, str]]:
    return [(kind, place.name, place.role, place.id) for place in places]
