"""Where a program finds its server and token: the environment, or what ``valetkey login`` kept.

The login is a file that its owner alone may read (XDG base directories: state).
"""

from __future__ import annotations

import base64
import binascii
import os
import tempfile
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec

from valetkey.sdk.clock import Now, utc_now
from valetkey.sdk.errors import InvalidRequest, Unauthenticated, Unavailable
from valetkey.sdk.transport import TokenSource, checked_url
from valetkey.wire.accounts import Login

#: Where `valetkey serve` listens unless told otherwise.
DEFAULT_URL: Final = "http://127.0.0.1:8484"
_TOO_OPEN: Final = 0o077
_LARGEST: Final = 64 * 1024
#: Exchanges a login's token, at the login's server, for a later one.
Renew = Callable[["KeptLogin"], Login]


class KeptLogin(msgspec.Struct, frozen=True):
    """Where somebody is logged in. ``token`` is a secret."""

    url: str
    email: str
    token: str

    def __repr__(self) -> str:
        return f"<KeptLogin {self.email} at {self.url}>"

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

    def wants_renewal(self, now: datetime) -> bool:
        """Tell whether half of the token's life is over."""
        if self.lifetime is None:
            return False
        made, ends = self.lifetime
        return now >= made + (ends - made) / 2


@dataclass(frozen=True, slots=True)
class KnownServer:
    """A server, and what returns a token for it."""

    url: str
    token: TokenSource

    def __repr__(self) -> str:
        return f"<Place {self.url}>"


def find_place(
    environment: Mapping[str, str], renew: Renew, *, url: str = "", clock: Now = utc_now
) -> KnownServer:
    """Return the server and the token: of the environment, or of the login.

    ``VALETKEY_URL`` names the server, ``VALETKEY_TOKEN_FILE`` or ``VALETKEY_TOKEN`` an API key; a
    file is read anew for each request. A login's token goes to the server that gave it, and to no
    other. Raises Unauthenticated, InvalidRequest.
    """
    wanted = url or environment.get("VALETKEY_URL", "")
    given = _given(environment)
    path = login_file(environment)
    login = None if given and wanted else read_login(path)
    address = checked_url(wanted or (login.url if login else DEFAULT_URL))
    if given is not None:
        return KnownServer(address, given)
    if login is None or login.url != address:
        raise Unauthenticated(
            f"You are not logged in at {address}.",
            hint="Run 'valetkey login', or set VALETKEY_TOKEN or VALETKEY_TOKEN_FILE.",
        )
    return KnownServer(address, LoginToken(path, login, renew, clock))


class LoginToken:
    """The token of a login, renewed when half of its life is over; threads may share it."""

    def __init__(self, path: Path, login: KeptLogin, renew: Renew, clock: Now = utc_now) -> None:
        self._path = path
        self._login = login
        self._renew = renew
        self._clock = clock
        self._lock = threading.Lock()

    def __call__(self) -> str:
        """Return the token. Raises ApiError when the server won't renew one that is over."""
        with self._lock:
            if self._login.wants_renewal(self._clock()):
                self._login = self._renewed()
            return self._login.token

    def _renewed(self) -> KeptLogin:
        kept = read_login(self._path)
        if kept is not None and kept.url == self._login.url and kept.email == self._login.email:
            self._login = kept
            if not kept.wants_renewal(self._clock()):
                return kept  # another program was faster
        try:
            token = self._renew(self._login)
        except (Unavailable, Unauthenticated):
            return self._login  # its present token may still hold, and if not, the server says so
        renewed = msgspec.structs.replace(self._login, token=token.token)
        if kept is not None and self._login is kept:
            write_login(self._path, renewed)  # not when somebody has logged out meanwhile
        return renewed


def _given(environment: Mapping[str, str]) -> TokenSource | None:
    if file := environment.get("VALETKEY_TOKEN_FILE", ""):
        return lambda: _from_file(Path(file))
    token = environment.get("VALETKEY_TOKEN", "").strip()
    return (lambda: token) if token else None


def _from_file(path: Path) -> str:
    try:
        with path.open(encoding="utf-8") as file:
            return file.read(_LARGEST).strip()
    except OSError as error:
        raise Unauthenticated(
            f"The token file {path} can't be read: {error.strerror}.",
            hint="Check VALETKEY_TOKEN_FILE.",
        ) from None
    except UnicodeDecodeError:
        raise Unauthenticated(
            f"The token file {path} is not text.", hint="Check VALETKEY_TOKEN_FILE."
        ) from None


def login_file(environment: Mapping[str, str]) -> Path:
    """Return where the login is kept (XDG base directories: state)."""
    state = environment.get("XDG_STATE_HOME", "")
    base = Path(state) if state else Path.home() / ".local" / "state"
    return base / "valetkey" / "login.json"


def read_login(path: Path) -> KeptLogin | None:
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
            return msgspec.json.decode(file.read(_LARGEST), type=KeptLogin)
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


def write_login(path: Path, login: KeptLogin) -> None:
    """Keep a login where only its owner reads it."""
    write_private(path, [msgspec.json.encode(login)])


def is_no_file(path: Path) -> bool:
    """Tell whether a path leads to a device or a pipe: a file must not be put in its place."""
    leads_to_open = str(path.absolute()).startswith(("/dev/", "/proc/"))
    return path.exists() and not path.is_dir() and (leads_to_open or not path.is_file())


def write_private(path: Path, chunks: Iterable[bytes]) -> None:
    """Write a file that only its owner reads, whole or not at all, as the chunks come; into what is
    no file (a device, a pipe) they are written as they are. Raises InvalidRequest."""
    try:
        if is_no_file(path):
            with path.open("wb") as device:
                device.writelines(chunks)
            return
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # mkstemp makes the file 0600 before anything is in it.
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.writelines(chunks)
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise InvalidRequest(
            f"{path} can't be written: {error.strerror}.", hint="Choose another place."
        ) from None
