"""The token of a login, kept in a private file between commands."""

from __future__ import annotations

import base64
import binascii
import os
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from valetkey.sdk.errors import InvalidRequest

_TOO_OPEN = 0o077


class Login(msgspec.Struct, frozen=True):
    """Where somebody is logged in. ``token`` and ``refresh_token`` are secrets."""

    url: str
    email: str
    token: str
    refresh_token: str = ""

    def __repr__(self) -> str:
        return f"<Login {self.email} at {self.url}>"

    @property
    def lifetime(self) -> tuple[datetime, datetime] | None:
        """When the token was made and when it ends, as it says itself; None if it doesn't."""
        try:
            payload = self.token.split(".")[1]
            claims = msgspec.json.decode(
                base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
            )
            made, ends = float(claims["iat"]), float(claims["exp"])
            return datetime.fromtimestamp(made, UTC), datetime.fromtimestamp(ends, UTC)
        except (IndexError, KeyError, TypeError, ValueError, binascii.Error, OverflowError):
            return None


def login_file(environment: Mapping[str, str]) -> Path:
    """Return where the login is kept (XDG base directories: state)."""
    state = environment.get("XDG_STATE_HOME", "")
    base = Path(state) if state else Path.home() / ".local" / "state"
    return base / "valetkey" / "login.json"


def read_login(path: Path) -> Login | None:
    """Return the login in a file; None when there is no file.

    Raises InvalidRequest when others may read it, or it is something else.
    """
    try:
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_mode & _TOO_OPEN:
                raise InvalidRequest(
                    f"Others may read {path}, which holds your token.",
                    hint=f"chmod 600 {path}; and log in again if somebody may have read it.",
                )
            return msgspec.json.decode(file.read(), type=Login)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise InvalidRequest(
            f"The login in {path} can't be read: {error.strerror}.", hint="Check its owner."
        ) from None
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise InvalidRequest(
            f"{path} is not a file that 'valetkey login' wrote.", hint="Log in again."
        ) from None


def write_login(path: Path, login: Login) -> None:
    """Keep a login where only its owner reads it."""
    write_private(path, msgspec.json.encode(login))


def write_private(path: Path, content: bytes) -> None:
    """Write a file that only its owner reads, whole or not at all. Raises InvalidRequest."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # mkstemp makes the file 0600 before anything is in it.
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise InvalidRequest(
            f"{path} can't be written: {error.strerror}.", hint="Choose another place."
        ) from None
