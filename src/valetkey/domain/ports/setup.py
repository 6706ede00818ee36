"""What `valetkey setup aws` works with: AWS under an administrator's credentials, a keeper of the
new secret, and a journal that survives a kill."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any, Protocol

from valetkey.domain.credentials import AccessKey
from valetkey.domain.setup.access_key import KeyIntent
from valetkey.domain.setup.calls import AwsCall
from valetkey.domain.setup.spec import Desired
from valetkey.domain.verification import Report


class AwsApi(Protocol):
    """Carries out single calls, each once: waiting and trying again are the caller's business."""

    async def call(self, call: AwsCall, *, key: AccessKey | None = None) -> Mapping[str, Any]:
        """Send one call, with the administrator's credentials or with ``key``.

        Returns AWS's answer in botocore's shape; policy documents in it are parsed, and a secret
        is a ``Secret``. Raises AwsRefused (``details['aws_code']``), AwsUnavailable.
        """
        ...


class KeyCustodian(Protocol):
    """Who keeps the secret of the user's access key: a Valetkey server, or a private file."""

    @property
    def name(self) -> str:
        """Who it is, as it stands in sentences: ``the server at ...``, ``the file ...``."""
        ...

    async def holds(self) -> str:
        """Return the id of the access key whose secret is held, or an empty string."""
        ...

    async def keep(self, key: AccessKey, desired: Desired) -> None:
        """Store the secret durably, in place of one held before. Raises ValetkeyError."""
        ...

    async def prove(self, desired: Desired) -> Report:
        """Use the key that is held, once: report whether it is known and opens the role."""
        ...

    async def complete(self, desired: Desired) -> tuple[str, ...]:
        """Do what follows a proven key (register the location); repeatable. Returns what was done,
        in sentences."""
        ...

    async def release(self, desired: Desired) -> tuple[str, ...]:
        """Forget the key and what was registered with it. Returns what was done.
        Raises InUse while something depends on it."""
        ...


class SetupJournal(Protocol):
    """What one set-up was about to do, durable before it is done. Holds no secret."""

    def lock(self) -> AbstractContextManager[None]:
        """Hold the set-up for this process. Raises Locked when another one has it."""
        ...

    def read(self) -> KeyIntent | None: ...
    def write(self, intent: KeyIntent) -> None: ...
    def clear(self) -> None: ...


class SetupJournals(Protocol):
    """Opens journals, one per account and set-up."""

    def open(self, *, account: str, setup: str) -> SetupJournal: ...
