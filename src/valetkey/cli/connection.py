"""Which server, and who asks it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from valetkey.cli.common import Common
from valetkey.cli.logins import KeptLogin, login_file, read_login, write_login
from valetkey.cli.secrets import read_secret
from valetkey.cli.terminal import Terminal
from valetkey.sdk.client import Client
from valetkey.sdk.errors import ApiError, Unauthenticated
from valetkey.sdk.transport import checked_url

#: Where `valetkey serve` listens unless told otherwise.
DEFAULT_URL: Final = "http://127.0.0.1:8484"


@dataclass(frozen=True, slots=True)
class ServerConnection:
    """A server's address and a token for it. The token is a secret."""

    url: str
    token: str

    def __repr__(self) -> str:
        return f"<Connection {self.url}>"


def find_connection(url: str = "", token_file: Path | None = None) -> ServerConnection:
    """Return the server and the token: as named, of the environment, or of the login.

    A login's token goes to the server that gave it, and to no other. Raises Unauthenticated,
    InvalidRequest.
    """
    given = _given_token(token_file)
    login = None if given and url else read_login(login_file(os.environ))
    address = checked_url(url or (login.url if login else DEFAULT_URL))
    if given:
        return ServerConnection(address, given)
    if login is None or login.url != address:
        raise Unauthenticated(
            f"You are not logged in at {address}.",
            hint="Run 'valetkey login', or set VALETKEY_TOKEN or VALETKEY_TOKEN_FILE.",
        )
    return ServerConnection(address, _fresh(login).token)


def open_client(common: Common) -> Terminal:
    """Return a client for the server that the options name. Raises ApiError."""
    found = find_connection(common.url, common.token_file)
    return Terminal(found.url, found.token, common)


def _given_token(token_file: Path | None) -> str:
    if token_file is not None:
        token = read_secret(token_file, "token", "--token-file").strip()
        if not token:  # not somebody else's instead
            raise Unauthenticated(f"The token file {token_file} is empty.", hint="Check the path.")
        return token
    return os.environ.get("VALETKEY_TOKEN", "").strip()


def _fresh(login: KeptLogin) -> KeptLogin:
    """Return the login with a token that has more than half of its life before it, if the server
    gives one."""
    if not login.wants_renewal(datetime.now(UTC)):
        return login
    try:
        with Client(login.url) as client:
            token = client.accounts.renew_login(token=login.token).token
    except ApiError:
        return login  # what comes next says better what is wrong
    renewed = KeptLogin(login.url, login.email, token)
    write_login(login_file(os.environ), renewed)
    return renewed
