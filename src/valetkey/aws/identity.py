"""Keys as botocore signs with them, and the one that the server itself has at AWS."""

from __future__ import annotations

import threading
from typing import Any

import botocore.session
from botocore.credentials import ReadOnlyCredentials

from valetkey.domain.credentials import AccessKey, TemporaryCredentials
from valetkey.domain.errors import AwsRefused


class OwnKeys:
    """The server's own identity: a key from the settings, or what AWS's tools would find
    (environment, files, container, instance), renewed by botocore as it ends."""

    def __init__(self, configured: AccessKey | None) -> None:
        self._configured = configured
        self._lock = threading.Lock()
        self._found: Any = None

    def key(self) -> ReadOnlyCredentials:
        """Return the key of this moment; may ask the instance for it. Raises AwsRefused when the
        server has no identity."""
        if self._configured is not None:
            return frozen(self._configured)
        with self._lock:
            if self._found is None:
                self._found = botocore.session.Session().get_credentials()
            found = self._found
        if found is None:
            raise AwsRefused(
                "This server has no identity of its own at AWS.",
                hint="Run it with an instance, task or pod role; or set own_access_key_id and "
                "own_secret_access_key.",
            )
        key: ReadOnlyCredentials = found.get_frozen_credentials()
        return key


def frozen(key: AccessKey | TemporaryCredentials) -> ReadOnlyCredentials:
    """Return a key as botocore signs with it."""
    if isinstance(key, AccessKey):
        return ReadOnlyCredentials(key.id, key.secret.reveal(), None)
    return ReadOnlyCredentials(
        key.access_key_id, key.secret_access_key.reveal(), key.session_token.reveal()
    )


def secrets_of(key: ReadOnlyCredentials) -> tuple[str, ...]:
    """Return what of a key no error may show."""
    return tuple(filter(None, (key.secret_key, key.token)))
