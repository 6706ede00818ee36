"""What a credential opens, and what it doesn't: tried with AWS's own library."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import botocore.session
from botocore.config import Config
from botocore.exceptions import ClientError

from valetkey.cli.demo.world import REGION
from valetkey.domain.credentials import AccessKey
from valetkey.wire.credentials import Credentials


@dataclass(frozen=True, slots=True)
class Tried:
    """What S3 said: the result, or the code of its refusal."""

    result: Any = None
    refusal: str = ""

    @property
    def denied(self) -> bool:
        return self.refusal == "AccessDenied"

    @property
    def said(self) -> str:
        """The answer in a word or two."""
        return self.refusal or f"it answered {self.result!r}"


class Bucket:
    """One bucket through one credential."""

    def __init__(self, name: str, endpoint: str, key: str, secret: str, token: str = "") -> None:
        self._name = name
        self._s3: Any = botocore.session.Session().create_client(
            "s3",
            region_name=REGION,
            endpoint_url=endpoint,
            aws_access_key_id=key,
            aws_secret_access_key=secret,
            aws_session_token=token or None,
            config=Config(retries={"total_max_attempts": 1}, proxies={}),
        )

    @classmethod
    def of(cls, vended: Credentials) -> Bucket:
        """Open what temporary credentials open."""
        return cls(
            vended.bucket,
            vended.endpoint or "",
            vended.access_key_id,
            vended.secret_access_key,
            vended.session_token,
        )

    @classmethod
    def with_key(cls, name: str, endpoint: str, key: AccessKey) -> Bucket:
        """Open a bucket with a long-lived key."""
        return cls(name, endpoint, key.id, key.secret.reveal())

    def list(self, prefix: str) -> Tried:
        """List the keys under a prefix."""
        return _try(
            lambda: [
                entry["Key"]
                for entry in self._s3.list_objects_v2(Bucket=self._name, Prefix=prefix).get(
                    "Contents", []
                )
            ]
        )

    def read(self, key: str) -> Tried:
        """Read an object."""

        def work() -> bytes:
            body: bytes = self._s3.get_object(Bucket=self._name, Key=key)["Body"].read()
            return body

        return _try(work)

    def write(self, key: str, body: bytes, kind: str = "text/plain") -> Tried:
        """Write an object."""
        return _try(
            lambda: bool(
                self._s3.put_object(Bucket=self._name, Key=key, Body=body, ContentType=kind)
            )
        )


def _try(work: Callable[[], Any]) -> Tried:
    try:
        return Tried(work())
    except ClientError as error:
        return Tried(refusal=error.response["Error"]["Code"])
