"""The set-up's private files: the journal, its lock, and a secret kept without a server."""

from __future__ import annotations

import fcntl
import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from valetkey.domain.credentials import AccessKey
from valetkey.domain.errors import ConfigurationError, InvalidInput, Locked
from valetkey.domain.integration_types.aws_sts import parse_access_key
from valetkey.domain.ports.setup import AwsApi
from valetkey.domain.ports.time import Clock
from valetkey.domain.setup import Desired, KeyIntent
from valetkey.domain.verification import Check, Outcome, Report
from valetkey.sdk.profiles import is_no_file
from valetkey.services.setup import prove_key


def default_journal_folder(environment: Mapping[str, str]) -> Path:
    """Return where journals are kept (XDG base directories: state)."""
    state = environment.get("XDG_STATE_HOME", "")
    base = Path(state) if state else Path.home() / ".local" / "state"
    return base / "valetkey" / "setup"


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner reads, whole or not at all, durable on return; into what is
    no file (a device, a pipe) the text is written as it is."""
    if is_no_file(path):
        path.write_text(text, encoding="utf-8")
        return
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # mkstemp makes the file 0600 before anything is in it.
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class FileJournal:
    """One set-up's journal, a small JSON file; implements ``SetupJournal``."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @contextmanager
    def lock(self) -> Iterator[None]:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = self._path.with_suffix(".lock")
        with lock.open("a") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise Locked(
                    "Another run of this set-up is at work on this machine.",
                    hint="Wait for it to end, then run the command again.",
                ) from None
            yield  # the kernel lets go of the lock when the process ends, however it ends

    def read(self) -> KeyIntent | None:
        try:
            stored = json.loads(self._path.read_text(encoding="utf-8"))
            return KeyIntent(
                at=datetime.fromisoformat(stored["at"]),
                known=frozenset(stored["known"]),
                custodian=stored["custodian"],
                created=stored["created"],
            )
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError):
            raise ConfigurationError(
                f"The journal {self._path} can't be read.",
                hint="Somebody changed it. Look at the user's access keys in IAM, delete one that "
                "nobody uses, and then this file.",
            ) from None

    def write(self, intent: KeyIntent) -> None:
        stored = {
            "at": intent.at.isoformat(),
            "known": sorted(intent.known),
            "custodian": intent.custodian,
            "created": intent.created,
        }
        write_private(self._path, json.dumps(stored, indent=2) + "\n")

    def clear(self) -> None:
        self._path.unlink(missing_ok=True)


class FileJournals:
    """Journals in one folder, by account and set-up; implements ``SetupJournals``."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def open(self, *, account: str, setup: str) -> FileJournal:
        return FileJournal(self._folder / f"{account}-{setup}.json")


class FileCustodian:
    """Keeps the key in a private file, in the form in which ``aws iam create-access-key`` prints
    it, so that the exported script's file is one too. Implements ``KeyCustodian``."""

    def __init__(self, path: Path, aws: AwsApi, clock: Clock) -> None:
        self._path = path.absolute()
        self._aws = aws
        self._clock = clock

    @property
    def name(self) -> str:
        return f"the file {self._path}"

    async def holds(self) -> str:
        key = self.read()
        return key.id if key else ""

    async def keep(self, key: AccessKey, desired: Desired) -> None:
        stored: dict[str, Any] = {
            "AccessKey": {
                "UserName": desired.user,
                "AccessKeyId": key.id,
                "SecretAccessKey": key.secret.reveal(),
            }
        }
        write_private(self._path, json.dumps(stored, indent=2) + "\n")

    async def prove(self, desired: Desired) -> Report:
        key = self.read()
        if key is None:
            claim = f"{self.name} holds the key's secret."
            cause = "The file is not there."
            return Report((Check("key", claim, Outcome.FAILED, cause, "Run apply."),))
        return await prove_key(self._aws, self._clock, key, desired)

    async def complete(self, desired: Desired) -> tuple[str, ...]:
        return (f"The access key of {desired.user} is in {self._path} (0600).",)

    async def release(self, desired: Desired) -> tuple[str, ...]:
        if not self._path.exists():
            return ()
        self._path.unlink()
        return (f"Removed {self._path}, which held the access key of {desired.user}.",)

    def read(self) -> AccessKey | None:
        """Return the key in the file; None when there is no file.

        Raises InvalidInput when it is something else, or others may read it.
        """
        try:
            if self._path.stat().st_mode & 0o077:
                raise InvalidInput(
                    f"Others may read {self._path}, which holds a secret.",
                    hint=f"chmod 600 {self._path}",
                )
            stored = json.loads(self._path.read_text(encoding="utf-8"))["AccessKey"]
            return parse_access_key(stored["AccessKeyId"], stored["SecretAccessKey"])
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError):
            raise InvalidInput(
                f"{self._path} is not a file that apply wrote.",
                hint="Name another file; nothing is overwritten.",
                field="secret_file",
            ) from None
