"""Credentials kept on disk for ``credential_process``, which every new process runs again.

What is kept is private to its owner, is found only by who asks for exactly the same with the same
token, and is not served when it is soon over, also where this machine's clock is some minutes
wrong. A herd of processes makes one request: who has something good takes that while another
process asks, and who has to wait shares the outcome, be it a failure.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import stat
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Final

import msgspec

from valetkey.cli.connection import ServerConnection
from valetkey.sdk import errors
from valetkey.sdk.clock import Now, utc_now
from valetkey.sdk.errors import ApiError, InvalidRequest, Unavailable
from valetkey.sdk.refresher import SKEW, Fetched
from valetkey.wire.base import AccessLevel
from valetkey.wire.credentials import Credentials

#: Changes when the file's form does, so that an old one is not misread.
_FORM: Final = 3
_OTHERS: Final = 0o077
_LARGEST: Final = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialRequest:
    """All that shapes a credential."""

    location: str
    prefixes: Sequence[str]
    access: Sequence[AccessLevel]
    ttl: int | None
    purpose: str = ""
    project: str = ""
    org: str = ""
    bare: bool = False
    versions: bool = False

    def key(self, connection: ServerConnection) -> str:
        """Return the name under which it is kept. The token can't be read from it."""
        parts = (
            _FORM,
            connection.url,
            connection.token,
            self.location,
            sorted(set(self.prefixes)),
            sorted(set(self.access)),
            self.ttl,
            self.purpose,
            self.project,
            self.org,
            self.bare,
            self.versions,
        )
        return hashlib.sha256(msgspec.json.encode(parts)).hexdigest()


class _CachedFailure(msgspec.Struct, frozen=True):
    """How the last request failed. ``mark`` is another one each time: whoever finds a new one has
    waited for that failure."""

    mark: str
    kind: str
    message: str
    hint: str

    def error(self) -> ApiError:
        """Return the failure again."""
        kind = getattr(errors, self.kind, ApiError)
        known = isinstance(kind, type) and issubclass(kind, ApiError)
        again: ApiError = (kind if known else ApiError)(self.message, hint=self.hint)
        return again


class _CacheEntry(msgspec.Struct, frozen=True):
    #: What was asked for: a file that was copied to another's name is not believed.
    key: str
    fetched_at: Annotated[datetime, msgspec.Meta(tz=True)]
    credentials: Credentials

    def __repr__(self) -> str:
        return "<_Kept>"

    def is_good(self, now: datetime) -> bool:
        """Tell whether it need not be fetched again yet."""
        # While AWS is away the server hands out what is left, minutes perhaps. How much that is
        # can't be told by a clock that is behind: the last minutes are asked for each time.
        if now + SKEW >= self.credentials.expires_at:
            return False
        return not Fetched(self.credentials, self.fetched_at).due(now)


def cache_folder(environment: Mapping[str, str]) -> Path:
    """Return where credentials are kept (XDG base directories: cache)."""
    cache = environment.get("XDG_CACHE_HOME", "")
    base = Path(cache) if cache else Path.home() / ".cache"
    return base / "valetkey" / "credentials"


def cached(
    connection: ServerConnection,
    asked: CredentialRequest,
    fetch: Callable[[], Credentials],
    *,
    folder: Path | None = None,
    clock: Now = utc_now,
) -> Credentials:
    """Return credentials that are good now: kept ones, or else fetched and kept.

    One process fetches; the others take what they have, or wait for the outcome. Where the server
    does not answer, kept ones serve to their end. Raises ApiError, and InvalidRequest when others
    may write to the folder.
    """
    place = _private(cache_folder(os.environ) if folder is None else folder)
    key = asked.key(connection)
    path = place / f"{key}.json"
    kept = _read(path)
    if kept is not None and kept.is_good(clock()):
        return kept.credentials
    waits = kept is None or kept.credentials.expires_at - clock() <= SKEW
    before = _failure(path)
    # A few locks for all: their files stay, since deleting one would let two processes in.
    with _lock(place / f"{key[:1]}.lock", waits=waits) as is_ours:
        if not is_ours:
            assert kept is not None  # noqa: S101  # only who has nothing waits
            return kept.credentials
        kept = _read(path)
        if kept is not None and kept.is_good(clock()):
            return kept.credentials  # another process was faster
        failed = _failure(path)
        if failed is not None and failed != before:
            return _still_good(kept, clock(), failed.error())
        return _fetched(fetch, path, kept, clock)


def _fetched(
    fetch: Callable[[], Credentials], path: Path, kept: _CacheEntry | None, clock: Now
) -> Credentials:
    asked_at = clock()
    try:
        fetched = fetch()
    except ApiError as error:
        failed = _CachedFailure(
            os.urandom(16).hex(), type(error).__name__, error.message, error.hint
        )
        _write(_failure_path(path), failed)
        return _still_good(kept, clock(), error)
    _write(path, _CacheEntry(path.stem, asked_at, fetched))
    _failure_path(path).unlink(missing_ok=True)
    _sweep(path.parent, asked_at)
    return fetched


def _still_good(kept: _CacheEntry | None, now: datetime, error: ApiError) -> Credentials:
    """Return what is kept where the server did not answer. Raises ``error`` otherwise."""
    if isinstance(error, Unavailable) and kept is not None and kept.credentials.expires_at > now:
        return kept.credentials
    raise error


def _failure_path(path: Path) -> Path:
    return path.with_suffix(".failed")


def _failure(path: Path) -> _CachedFailure | None:
    text = _private_text(_failure_path(path))
    with suppress(msgspec.MsgspecError, UnicodeDecodeError):
        return msgspec.json.decode(text, type=_CachedFailure) if text else None
    return None


def _private(folder: Path) -> Path:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = folder.lstat()
    except OSError as error:
        raise InvalidRequest(
            f"{folder} can't be made: {error.strerror}.",
            hint="Set XDG_CACHE_HOME to another place.",
        ) from None
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & _OTHERS:
        raise InvalidRequest(
            f"{folder} is not private, and would hold credentials.",
            hint=f"It has to be a folder of your own: chmod 700 {folder}",
        )
    return folder


def _read(path: Path) -> _CacheEntry | None:
    """Return what is kept; None for a file that is not there, not private, or not ours."""
    text = _private_text(path)
    with suppress(msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        kept = msgspec.json.decode(text, type=_CacheEntry) if text else None
        return kept if kept is not None and kept.key == path.stem else None
    return None


def _private_text(path: Path) -> bytes:
    """Return what a file of our own says, which nobody else may read; else nothing."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return b""
    with os.fdopen(descriptor, "rb") as file:
        found = os.fstat(descriptor)
        private = found.st_uid == os.geteuid() and not found.st_mode & _OTHERS
        return file.read(_LARGEST) if private and stat.S_ISREG(found.st_mode) else b""


def _write(path: Path, kept: _CacheEntry | _CachedFailure) -> None:
    """Replace a file as a whole. What can't be kept (a full disk) is fetched again next time."""
    with suppress(OSError):
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".new-")  # 0600 from the start
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(msgspec.json.encode(kept))
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise


@contextmanager
def _lock(path: Path, *, waits: bool) -> Iterator[bool]:
    """Let one process in at a time, and tell whether it is this one: who does not wait may find
    another one there. The system lets go when a process dies, however it does."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise InvalidRequest(
            f"{path} can't be opened: {error.strerror}.",
            hint="Look at the folder's owner and disk.",
        ) from None
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if waits else fcntl.LOCK_NB))
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(descriptor)


def _sweep(folder: Path, now: datetime) -> None:
    """Delete credentials that are over, and failures: a login's new token leaves those of the old
    one behind."""
    for path in folder.glob("*.json"):
        kept = _read(path)
        if kept is None or kept.credentials.expires_at <= now:
            path.unlink(missing_ok=True)
    for path in folder.glob("*.failed"):
        path.unlink(missing_ok=True)
