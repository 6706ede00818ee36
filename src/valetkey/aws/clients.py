"""botocore in bounded thread pools: clients made once, credentials swapped per call.

Making a client costs milliseconds (models, endpoint rules), signing microseconds. So a client is
made once for each service, region and endpoint, without credentials of its own; each call signs
with the key that it is given.
"""

from __future__ import annotations

import asyncio
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from datetime import datetime
from functools import partial
from typing import Any, Final, TypeVar
from xml.etree.ElementTree import Element

import botocore.session
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from botocore.configprovider import ConstantProvider
from botocore.credentials import Credentials, ReadOnlyCredentials
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

from valetkey.aws.endpoints import confine
from valetkey.aws.errors import from_client_error, unreachable, unusable
from valetkey.aws.identity import OwnKeys, frozen, secrets_of
from valetkey.aws.query import query_request, result_of
from valetkey.aws.quiet import hush
from valetkey.aws.settings import AwsSettings
from valetkey.aws.signing import signed_headers
from valetkey.domain.credentials import AccessKey, OwnIdentity, TemporaryCredentials
from valetkey.domain.errors import AwsRefused, AwsUnavailable

R = TypeVar("R")

#: Regions and endpoints are what people type, so the clients for them are counted.
_MOST_CLIENTS: Final = 64
#: The longest that botocore's standard mode waits between two attempts, in seconds.
_LONGEST_PAUSE: Final = 20.0

#: Silence, or half an answer; botocore's other errors say that nothing was sent.
_NO_ANSWER: Final = (
    BotoConnectionError,
    HTTPClientError,
    IncompleteReadError,
    ChecksumError,
    FlexibleChecksumError,
)

_signing_key: ContextVar[ReadOnlyCredentials] = ContextVar("valetkey_signing_key")
_NO_HEADERS: Final[Mapping[str, str]] = {}
_extra_headers: ContextVar[Mapping[str, str]] = ContextVar(
    "valetkey_extra_headers", default=_NO_HEADERS
)


class _PerCall(Credentials):
    """Credentials that are whatever the present call brought: botocore freezes them to sign."""

    def __init__(self) -> None:
        super().__init__("unset", "unset")

    def get_frozen_credentials(self) -> ReadOnlyCredentials:
        return _signing_key.get()


class Clients:
    """Makes botocore calls for the adapters.

    A user's own endpoint may be slow on purpose: calls to such have threads of their own, so that
    they never keep STS waiting. Retries: botocore's standard mode, bounded and jittered.
    """

    def __init__(self, settings: AwsSettings) -> None:
        hush()
        self.settings = settings
        self._pool = ThreadPoolExecutor(settings.threads, thread_name_prefix="aws")
        self._strangers = ThreadPoolExecutor(settings.threads, thread_name_prefix="endpoint")
        self._lock = threading.Lock()
        self._clients: OrderedDict[tuple[str, str, str], Any] = OrderedDict()
        self._session = _session()
        self._own_identity = OwnKeys(settings.own_key)
        self._attempt_seconds = settings.connect_timeout + settings.read_timeout
        pauses = (settings.attempts - 1) * _LONGEST_PAUSE
        self._call_seconds = settings.attempts * self._attempt_seconds + pauses

    def close(self) -> None:
        """Let the threads go and close the connections; calls under way are not waited for."""
        for pool in (self._pool, self._strangers):
            pool.shutdown(wait=False, cancel_futures=True)
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
        endpoint: str = "",
        extra_headers: Mapping[str, str] | None = None,
        **parameters: Any,
    ) -> dict[str, Any]:
        """Make one call and return its answer. Raises AwsRefused, AwsUnavailable."""
        signing_key = await self._signing_key(key)

        def work() -> dict[str, Any]:
            client = self._client(service, region or self.settings.region, endpoint)
            token = _signing_key.set(signing_key)
            sent = _extra_headers.set(extra_headers or {})
            try:
                answer: dict[str, Any] = client._make_api_call(operation, parameters)  # noqa: SLF001
            except (LookupError, AttributeError, TypeError):
                # botocore's parsers stumble so over well-formed XML of another shape.
                raise ResponseParserError from None
            finally:
                _extra_headers.reset(sent)
                _signing_key.reset(token)
            return answer

        return await self.run(
            f"{service}:{operation}",
            work,
            apart=self._is_strange(service, endpoint),
            hide=secrets_of(signing_key),
        )

    async def post(
        self,
        service: str,
        operation: str,
        key: AccessKey,
        form: Mapping[str, str],
        *,
        region: str,
        now: datetime,
    ) -> Element:
        """Make one attempt at a call of AWS's query protocol and return its result. Raises
        AwsRefused, AwsUnavailable.

        It goes where botocore would send it, by botocore's connections. What botocore does between
        costs more than all else of a call together.
        """
        signing_key = await self._signing_key(key)

        def work() -> AWSResponse:
            client = self._client(service, region or self.settings.region, "")
            version = client.meta.service_model.api_version
            request = query_request(
                client.meta.endpoint_url,
                {"Action": operation, "Version": version, **form},
                partial(
                    signed_headers,
                    key=signing_key,
                    region=client.meta.region_name,
                    now=now,
                    service=service,
                ),
            )
            answer: AWSResponse = client._endpoint.http_session.send(request)  # noqa: SLF001
            return answer

        doing = f"{service}:{operation}"
        answer = await self.run(doing, work, seconds=self._attempt_seconds)
        return result_of(answer, doing, hide=secrets_of(signing_key))

    async def _signing_key(self, key: AccessKey | TemporaryCredentials) -> ReadOnlyCredentials:
        if isinstance(key, OwnIdentity):
            return await self.run("identity", self._own_identity.key)
        return frozen(key)

    async def run(
        self,
        doing: str,
        work: Callable[[], R],
        *,
        seconds: float | None = None,
        apart: bool = False,
        hide: Iterable[str] = (),
    ) -> R:
        """Run blocking AWS work in a pool, its errors translated; ``seconds`` is how long it may
        take, if not as long as all attempts of a call together; ``apart`` for a user's own
        endpoint; ``hide`` are texts that no error may show."""
        pool = self._strangers if apart else self._pool
        failure: AwsRefused | AwsUnavailable
        try:
            async with asyncio.timeout(seconds or self._call_seconds):
                return await asyncio.get_running_loop().run_in_executor(pool, work)
        except ClientError as error:
            failure = from_client_error(error, doing, hide=hide)
        except _NO_ANSWER as error:
            failure = unreachable(error, doing)
        except ResponseParserError:
            # It quotes the answer.
            failure = unreachable(OSError("garbage"), doing)
        except BotoCoreError as error:
            failure = unusable(error, doing)
        except (OSError, ValueError, RuntimeError) as error:
            # RuntimeError: the pool is closed, since the server is stopping.
            failure = unreachable(error if isinstance(error, OSError) else OSError(), doing)
        # Raised outside the handlers: a botocore exception may hold the request's secrets.
        raise failure

    def _is_strange(self, service: str, endpoint: str) -> bool:
        return bool(endpoint) and endpoint != self._override(service)

    def _client(self, service: str, region: str, endpoint: str) -> Any:
        place = (service, region, endpoint or self._override(service))
        with self._lock:
            if place not in self._clients:
                self._clients[place] = self._make(*place)
                if len(self._clients) > _MOST_CLIENTS:
                    # Not closed: a call may be using it. Its sockets go when the last one ends.
                    self._clients.popitem(last=False)
            self._clients.move_to_end(place)
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
        strange = self._is_strange(service, endpoint)
        config = Config(
            connect_timeout=settings.connect_timeout,
            read_timeout=settings.read_timeout,
            retries={"total_max_attempts": settings.attempts, "mode": "standard"},
            max_pool_connections=settings.threads,
            signature_version="s3v4" if service == "s3" else None,
            s3={"addressing_style": "path"} if endpoint else {},
            user_agent_extra="valetkey",
            # A proxy would look the name up by itself, unseen by ``confine``.
            proxies={} if strange else None,
        )
        client = self._session.create_client(
            service, region_name=region, endpoint_url=endpoint or None, config=config
        )
        if strange:
            # Somebody entered this endpoint: where it leads is checked at every connection.
            confine(client, settings.allowed_hosts)
        return client


def _add_headers(request: Any, **_: Any) -> None:
    for name, value in _extra_headers.get().items():
        request.headers[name] = value


def _session() -> Any:
    """Return a botocore session that looks for nothing: no files, no environment, no metadata."""
    session: Any = botocore.session.Session()
    session.set_config_variable("config_file", "/dev/null")
    session.set_config_variable("sts_regional_endpoints", "regional")
    session.set_config_variable("credentials_file", "/dev/null")
    session.set_config_variable("ignore_configured_endpoint_urls", True)
    session.get_component("config_store").set_config_provider("profile", ConstantProvider(None))
    session.register("before-sign", _add_headers)
    session._credentials = _PerCall()  # noqa: SLF001  # what create_client signs with
    return session
