"""AWS under an administrator's own credentials, found as every AWS tool finds them.

They stay on this machine: botocore's default chain or a profile, and botocore's own names for
endpoint overrides (``AWS_ENDPOINT_URL``, ``AWS_ENDPOINT_URL_IAM``, ...).
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final
from urllib.parse import urlsplit

import botocore.session
from botocore import xform_name
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    HTTPClientError,
    NoCredentialsError,
    ProfileNotFound,
)
from botocore.exceptions import (
    ConnectionError as BotoConnectionError,
)
from botocore.parsers import ResponseParserError

from valetkey.aws.errors import from_client_error, unreachable
from valetkey.aws.library_logs import silence_debug_logs
from valetkey.aws.retries import within
from valetkey.domain.credentials import AccessKey
from valetkey.domain.errors import (
    ACCESS_DENIED,
    AwsRefused,
    AwsUnavailable,
    InvalidInput,
    ValetkeyError,
)
from valetkey.domain.secret import Secret
from valetkey.domain.setup.calls import AwsCall

_THREADS: Final = 4
#: How long a call may take, however it goes.
_SECONDS: Final = 60.0
_SECRETS: Final = {"SecretAccessKey", "SessionToken"}
#: What an administrator can do about a refusal, where that is more than the general advice.
_HINTS: Final = {
    "BucketAlreadyExists": "Bucket names are shared by all AWS accounts: choose another, --bucket.",
    "TooManyBuckets": "The account has no room for another bucket: ask AWS to raise the quota.",
    "LimitExceeded": "A quota of IAM is used up: remove what is not needed, or raise the quota.",
    "DeleteConflict": "Something that Valetkey did not make still hangs on it: remove that first.",
    "InvalidLocationConstraint": "S3 does not know the region: see --region.",
    "BucketNotEmpty": "Something was written to the bucket meanwhile: run destroy again.",
}


class AdminApi:
    """Implements ``AwsApi`` with botocore, in a few threads. Retries nothing: the services wait
    with a clock of their own, and CreateAccessKey must never be sent twice unseen."""

    def __init__(self, *, profile: str = "", region: str = "") -> None:
        silence_debug_logs()
        self._session = botocore.session.Session(profile=profile or None)
        self._region = region
        self._clients: dict[tuple[str, str, str], Any] = {}
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="valetkey-aws-admin")

    @property
    def region(self) -> str:
        """The region: the one given, or the environment's or the profile's; empty if neither."""
        try:
            return self._region or self._session.get_config_variable("region") or ""
        except ProfileNotFound as error:
            raise _local(error) from None

    async def call(self, call: AwsCall, *, key: AccessKey | None = None) -> Mapping[str, Any]:
        loop = asyncio.get_running_loop()
        sending = loop.run_in_executor(self._pool, self._send, call, key)
        return await within(_SECONDS, call.action, sending)

    def close(self) -> None:
        """End the threads; calls under way are let go."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _send(self, call: AwsCall, key: AccessKey | None) -> Mapping[str, Any]:
        failure: ValetkeyError
        try:
            client = self._client(call, key)
            answer = getattr(client, xform_name(call.operation))(**call.parameters)
        except ClientError as error:
            failure = _refusal(call, error, key)
        except (BotoConnectionError, HTTPClientError) as error:
            failure = unreachable(error, call.action)
        except ResponseParserError:
            # The parser's own words quote the answer, which may hold a secret.
            failure = unreachable(OSError(), call.action)
        except BotoCoreError as error:
            failure = _local(error)
        else:
            cleaned: Mapping[str, Any] = _cleaned(answer)
            return cleaned
        # Outside the handlers: a botocore exception may hold the request, and is not chained.
        raise failure

    def _client(self, call: AwsCall, key: AccessKey | None) -> Any:
        region = call.region or self.region or "us-east-1"
        place = (call.service, region, key.id if key else "")
        with self._lock:
            if place not in self._clients:
                client = self._make(call.service, region, key, addressing="auto")
                if call.service == "s3" and not _is_aws(client.meta.endpoint_url):
                    # A stand-in's host has no DNS names for buckets below it.
                    client = self._make("s3", region, key, addressing="path")
                self._clients[place] = client
            return self._clients[place]

    def _make(self, service: str, region: str, key: AccessKey | None, *, addressing: str) -> Any:
        own: dict[str, Any] = {}
        if key is not None:
            own = {
                "aws_access_key_id": key.id,
                "aws_secret_access_key": key.secret.reveal(),
            }
        s3: Any = {"addressing_style": addressing}
        config = Config(
            connect_timeout=5,
            read_timeout=30,
            retries={"total_max_attempts": 1, "mode": "standard"},
            s3=s3,
            user_agent_extra="valetkey-setup",
        )
        return self._session.create_client(service, region_name=region, config=config, **own)


def _is_aws(endpoint: str) -> bool:
    host = urlsplit(endpoint).hostname or ""
    return host.endswith((".amazonaws.com", ".amazonaws.com.cn", ".amazonaws.eu"))


def _cleaned(answer: Any) -> Any:
    """Drop the envelope and put secrets behind a mask."""
    if isinstance(answer, Mapping):
        return {
            name: Secret(value) if name in _SECRETS else _cleaned(value)
            for name, value in answer.items()
            if name != "ResponseMetadata"
        }
    if isinstance(answer, list):
        return [_cleaned(item) for item in answer]
    return answer


def _refusal(call: AwsCall, error: ClientError, key: AccessKey | None) -> ValetkeyError:
    failure = from_client_error(error, call.action)
    if key is not None or isinstance(failure, AwsUnavailable):
        return failure
    code, words = failure.details["aws_code"], failure.details["aws_message"]
    if code in ACCESS_DENIED:
        return AwsRefused(
            f"The AWS credentials in use may not do {call.action}.",
            hint=f"Use an administrator's (--aws-profile), or ask for the right: {words or code}",
            **failure.details,
        )
    return AwsRefused(
        f"AWS refused {call.action}: {words or code}",
        hint=_HINTS.get(code, failure.hint),
        **failure.details,
    )


def _local(error: BotoCoreError) -> InvalidInput:
    if isinstance(error, NoCredentialsError):
        return InvalidInput(
            "There are no AWS credentials on this machine.",
            hint="Log in (aws sso login), set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or "
            "name a profile with --aws-profile.",
        )
    return InvalidInput(
        f"AWS can't be called as configured: {error}",
        hint="See ~/.aws/config, ~/.aws/credentials and the AWS_ variables of the environment.",
    )
