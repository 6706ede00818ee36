"""Where AWS is, and how long it may take. Empty endpoints mean AWS itself."""

from __future__ import annotations

from dataclasses import dataclass

from valetkey.domain.credentials import AccessKey


@dataclass(frozen=True, slots=True)
class AwsSettings:
    """Timeouts are in seconds: to connect, between two bytes, and (``sts_seconds``, ``s3_seconds``,
    ``iam_seconds``) for a whole call with all its attempts, however it goes; transfers get more, by
    their size. ``allowed_hosts`` are the hosts that a location's own endpoint may name although
    they are not public; a leading dot allows the hosts below a domain. ``own_key`` is the server's
    own identity; None finds it as AWS's tools do."""

    sts_endpoint: str = ""
    iam_endpoint: str = ""
    s3_endpoint: str = ""
    region: str = "us-east-1"
    connect_timeout: float = 5.0
    read_timeout: float = 20.0
    sts_seconds: float = 10.0
    s3_seconds: float = 60.0
    iam_seconds: float = 30.0
    attempts: int = 3
    threads: int = 16
    allowed_hosts: tuple[str, ...] = ()
    own_key: AccessKey | None = None
