"""botocore, for IAM: in a bounded pool of threads, credentials swapped per call.

Making a client costs milliseconds (models, endpoint rules), signing microseconds. So a client is
made once for each region, without credentials of its own; each call signs with the key that it is
given. Nothing is sent twice unseen: a CreateAccessKey that botocore repeats would make a second
key.
"""

from __future__ import annotations

import asyncio
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from typing import Any, Final, TypeVar

import botocore.session
from botocore import xform_name
from botocore.config import Config
from botocore.configprovider import ConstantProvider
from botocore.credentials import (
    CredentialProvider,
    CredentialResolver,
    Credentials,
    ReadOnlyCredentials,
)
from botocore.exceptions import (
    BotoCoreError,
    ChecksumError,
    ClientError,
    FlexibleChecksumError,
    HTTPClientError,
    IncompleteReadError,
)
from botocore.exceptions import (
    ConnectionError as BotoConnectionError,
)
from botocore.parsers import ResponseParserError

from valetkey.aws.errors import from_client_error, unreachable, unusable
from valetkey.aws.identity import OwnKeys, frozen, secrets_of
from valetkey.aws.library_logs import silence_debug_logs
from valetkey.aws.retries import within
from valetkey.aws.settings import AwsSettings
from valetkey.domain.credentials import AccessKey, OwnIdentity, TemporaryCredentials
from valetkey.domain.errors import AwsRefused, AwsUnavailable

R = TypeVar("R")

#: Regions are what people type, so the clients for them are counted.
_MOST_CLIENTS: Final = 16

#: Silence, or half an answer; botocore's other errors say that nothing was sent.
_NO_ANSWER: Final = (
    BotoConnectionError,
    HTTPClientError,
    IncompleteReadError,
    ChecksumError,
    FlexibleChecksumError,
)

_signing_key: ContextVar[ReadOnlyCredentials] = ContextVar("valetkey_signing_key")


class _CallCredentials(Credentials):
    """Credentials that are whatever the present call brought: botocore freezes them to sign."""

    def __init__(self) -> None:
        super().__init__("unset", "unset")

    def get_frozen_credentials(self) -> ReadOnlyCredentials:
        return _signing_key.get()


class _CallCredentialProvider(CredentialProvider):
    """The one place where a session looks for credentials."""

    METHOD = "valetkey"

    def load(self) -> Credentials:
        return _CallCredentials()


class Clients:
    """Makes botocore calls for the adapters: one attempt each, within ``iam_seconds``."""

    def __init__(self, settings: AwsSettings) -> None:
        silence_debug_logs()
        self.settings = settings
        self._pool = ThreadPoolExecutor(settings.threads, thread_name_prefix="aws")
        self._lock = threading.Lock()
        self._clients: OrderedDict[tuple[str, str], Any] = OrderedDict()
        self._session = _session()
        self._own_identity = OwnKeys(settings.own_key)

    def close(self) -> None:
        """Let the threads go and close the connections; calls under way are not waited for."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        with self._lock:
            clients, self._clients = list(self._clients.values()), OrderedDict()
        for client in clients:
            client.close()

    async def call(
        self,
        service: str,
        operation: str,
        key: AccessKey | TemporaryCredentials,
        *,
        region: str = "",
        **parameters: Any,
    ) -> dict[str, Any]:
        """Make one call and return its answer. Raises AwsRefused, AwsUnavailable."""
        signing_key = await self._key(key)

        def work() -> dict[str, Any]:
            client = self._client(service, region or self.settings.region)
            token = _signing_key.set(signing_key)
            try:
                answer: dict[str, Any] = getattr(client, xform_name(operation))(**parameters)
            except (LookupError, AttributeError, TypeError):
                # botocore's parsers stumble so over well-formed XML of another shape.
                raise ResponseParserError from None
            finally:
                _signing_key.reset(token)
            return answer

        return await self._run(f"{service}:{operation}", work, hide=secrets_of(signing_key))

    async def _key(self, key: AccessKey | TemporaryCredentials) -> ReadOnlyCredentials:
        if isinstance(key, OwnIdentity):
            return await self._run("identity", self._own_identity.key)
        return frozen(key)

    async def _run(self, doing: str, work: Callable[[], R], *, hide: Iterable[str] = ()) -> R:
        """Run blocking work in the pool, its errors translated; ``hide`` are texts that no error
        may show."""
        failure: AwsRefused | AwsUnavailable
        try:
            running = asyncio.get_running_loop().run_in_executor(self._pool, work)
            return await within(self.settings.iam_seconds, doing, running)
        except ClientError as error:
            failure = from_client_error(error, doing, hide=hide)
        except _NO_ANSWER as error:
            failure = unreachable(error, doing)
        except ResponseParserError:
            # It quotes the answer.
            failure = unreachable(OSError(), doing, kind="garbage")
        except BotoCoreError as error:
            failure = unusable(error, doing)
        except (OSError, ValueError, RuntimeError) as error:
            # RuntimeError: the pool is closed, since the server is stopping.
            failure = unreachable(error if isinstance(error, OSError) else OSError(), doing)
        # Raised outside the handlers: a botocore exception may hold the request's secrets.
        raise failure

    def _client(self, service: str, region: str) -> Any:
        place = (service, region)
        with self._lock:
            if place not in self._clients:
                self._clients[place] = self._make(*place)
                if len(self._clients) > _MOST_CLIENTS:
                    # Not closed: a call may be using it. Its sockets go when the last one ends.
                    self._clients.popitem(last=False)
            self._clients.move_to_end(place)
            return self._clients[place]

    def _make(self, service: str, region: str) -> Any:
        settings = self.settings
        config = Config(
            connect_timeout=settings.connect_timeout,
            read_timeout=settings.read_timeout,
            retries={"total_max_attempts": 1, "mode": "standard"},
            max_pool_connections=settings.threads,
            user_agent_extra="valetkey",
        )
        endpoint = settings.iam_endpoint or None
        return self._session.create_client(
            service, region_name=region, endpoint_url=endpoint, config=config
        )


def _session() -> Any:
    """Return a botocore session that looks for nothing: no files, no environment, no metadata."""
    session: Any = botocore.session.Session()
    session.set_config_variable("config_file", "/dev/null")
    session.set_config_variable("credentials_file", "/dev/null")
    session.set_config_variable("ignore_configured_endpoint_urls", True)
    session.get_component("config_store").set_config_provider("profile", ConstantProvider(None))
    session.register_component(
        "credential_provider", CredentialResolver([_CallCredentialProvider()])
    )
    return session
