"""botocore in a bounded thread pool: clients made once, credentials swapped per call.

Making a client costs milliseconds (models, endpoint rules), signing microseconds. So a client is
made once for each service, region and endpoint, without credentials of its own; each call signs
with the key that it is given.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from typing import Any, TypeVar

import botocore.session
from botocore.config import Config
from botocore.configprovider import ConstantProvider
from botocore.credentials import Credentials, ReadOnlyCredentials
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from valetkey.aws.endpoints import confine
from valetkey.aws.errors import from_client_error, unreachable
from valetkey.aws.settings import AwsSettings
from valetkey.domain.credentials import AccessKey, TemporaryCredentials
from valetkey.domain.errors import AwsRefused, AwsUnavailable

R = TypeVar("R")

_signing_key: ContextVar[ReadOnlyCredentials] = ContextVar("valetkey_signing_key")


class _PerCall(Credentials):
    """Credentials that are whatever the present call brought: botocore freezes them to sign."""

    def __init__(self) -> None:
        super().__init__("unset", "unset")

    def get_frozen_credentials(self) -> ReadOnlyCredentials:
        return _signing_key.get()


class Clients:
    """Makes botocore calls for the adapters."""

    def __init__(self, settings: AwsSettings) -> None:
        self.settings = settings
        self._pool = ThreadPoolExecutor(settings.threads, thread_name_prefix="aws")
        self._lock = threading.Lock()
        self._clients: dict[tuple[str, str, str], Any] = {}
        self._session = _session()

    def close(self) -> None:
        """Let the threads go; calls under way are not waited for."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def call(
        self,
        service: str,
        operation: str,
        key: AccessKey | TemporaryCredentials,
        *,
        region: str = "",
        endpoint: str = "",
        **parameters: Any,
    ) -> dict[str, Any]:
        """Make one call and return its answer. Raises AwsRefused, AwsUnavailable."""
        doing = f"{service}:{operation}"

        def work() -> dict[str, Any]:
            client = self._client(service, region or self.settings.region, endpoint)
            token = _signing_key.set(_frozen(key))
            try:
                answer: dict[str, Any] = client._make_api_call(operation, parameters)  # noqa: SLF001
            finally:
                _signing_key.reset(token)
            return answer

        return await self.run(doing, work)

    async def run(self, doing: str, work: Callable[[], R]) -> R:
        """Run blocking AWS work in the pool, its errors translated."""
        failure: AwsRefused | AwsUnavailable
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work)
        except ClientError as error:
            failure = from_client_error(error, doing)
        except (BotoCoreError, ResponseParserError, OSError, ValueError) as error:
            failure = unreachable(error if isinstance(error, OSError) else OSError(), doing)
            failure.details = {**failure.details, "kind": type(error).__name__}
        # Raised outside the handlers: a botocore exception may hold the request's secrets.
        raise failure

    def _client(self, service: str, region: str, endpoint: str) -> Any:
        place = (service, region, endpoint or self._override(service))
        with self._lock:
            if place not in self._clients:
                self._clients[place] = self._make(*place)
            return self._clients[place]

    def _override(self, service: str) -> str:
        overrides = {
            "sts": self.settings.sts_endpoint,
            "iam": self.settings.iam_endpoint,
            "s3": self.settings.s3_endpoint,
        }
        return overrides.get(service, "")

    def _make(self, service: str, region: str, endpoint: str) -> Any:
        settings = self.settings
        config = Config(
            connect_timeout=settings.connect_timeout,
            read_timeout=settings.read_timeout,
            retries={"total_max_attempts": settings.attempts, "mode": "standard"},
            max_pool_connections=settings.threads,
            signature_version="s3v4" if service == "s3" else None,
            s3={"addressing_style": "path"} if endpoint else {},
            user_agent_extra="valetkey",
        )
        client = self._session.create_client(
            service, region_name=region, endpoint_url=endpoint or None, config=config
        )
        if endpoint and endpoint != self._override(service):
            # Somebody entered this endpoint: where it leads is checked at every connection.
            confine(client, self.settings.allowed_hosts)
        return client


def _frozen(key: AccessKey | TemporaryCredentials) -> ReadOnlyCredentials:
    if isinstance(key, AccessKey):
        return ReadOnlyCredentials(key.id, key.secret.reveal(), None)
    return ReadOnlyCredentials(
        key.access_key_id, key.secret_access_key.reveal(), key.session_token.reveal()
    )


def _session() -> Any:
    """Return a botocore session that looks for nothing: no files, no environment, no metadata."""
    session: Any = botocore.session.Session()
    session.set_config_variable("config_file", "/dev/null")
    session.set_config_variable("sts_regional_endpoints", "regional")
    session.set_config_variable("credentials_file", "/dev/null")
    session.set_config_variable("ignore_configured_endpoint_urls", True)
    session.get_component("config_store").set_config_provider("profile", ConstantProvider(None))
    session._credentials = _PerCall()  # noqa: SLF001  # what create_client signs with
    return session
