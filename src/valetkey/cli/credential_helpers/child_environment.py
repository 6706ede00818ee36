"""The environment in which AWS's SDKs find the endpoint, and nothing else."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from valetkey.cli.credential_helpers.endpoint import Endpoint
from valetkey.wire.credentials import Credentials

#: What AWS's SDKs would use before (or instead of) the container endpoint.
RIVALS: Final = (
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_SECURITY_TOKEN",
    "AWS_CREDENTIAL_EXPIRATION",
    "AWS_CREDENTIAL_FILE",
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_ROLE_ARN",
    "AWS_ROLE_SESSION_NAME",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
)
#: What opens Valetkey itself: a child that was given one folder gets no key to the key cupboard.
OURS: Final = ("VALETKEY_TOKEN", "VALETKEY_TOKEN_FILE")
#: Files in which a default profile would win over the endpoint: an empty one stands in for each.
_FILES: Final = ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE", "BOTO_CONFIG")
_PROXIES: Final = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")


@dataclass(frozen=True, slots=True)
class ChildEnvironment:
    """What to set, and what to take away."""

    given: Mapping[str, str]
    taken: tuple[str, ...] = field(default=(*RIVALS, *OURS))

    def applied_to(self, environment: Mapping[str, str]) -> dict[str, str]:
        """Return an environment with them: for a child."""
        kept = {name: value for name, value in environment.items() if name not in self.taken}
        return kept | _around_proxies(environment) | dict(self.given)


def environment_for(endpoint: Endpoint, token_file: Path, first: Credentials) -> ChildEnvironment:
    """Return what leads AWS's SDKs to an endpoint, and to the region and the S3 where its
    credentials are good."""
    given = {
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": endpoint.url,
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": str(token_file),
        # Without the endpoint there is nothing: never the machine's own role.
        "AWS_EC2_METADATA_DISABLED": "true",
        **dict.fromkeys(_FILES, os.devnull),
    }
    if first.region:
        given |= dict.fromkeys(("AWS_REGION", "AWS_DEFAULT_REGION"), first.region)
    if first.endpoint:
        given["AWS_ENDPOINT_URL_S3"] = first.endpoint
        if first.endpoint.startswith("http://"):
            given["AWS_ALLOW_HTTP"] = "true"  # asked for by the Rust libraries alone
    return ChildEnvironment(given)


def _around_proxies(environment: Mapping[str, str]) -> dict[str, str]:
    """Where a proxy is set, keep the endpoint out of it."""
    names = {name.upper() for name, value in environment.items() if value}
    if not names.intersection(_PROXIES):
        return {}
    before = environment.get("NO_PROXY") or environment.get("no_proxy") or ""
    return dict.fromkeys(("NO_PROXY", "no_proxy"), ",".join(filter(None, (before, "127.0.0.1"))))


@contextmanager
def token_file(token: str) -> Iterator[Path]:
    """Keep a token in a file that only its owner reads, until the block ends.

    It lies where the system keeps a session's secrets (in memory), if there is such a place. It
    has no newline at its end: most of AWS's SDKs would send it along.
    """
    place = os.environ.get("XDG_RUNTIME_DIR", "")
    usable = place if place and os.access(place, os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="valetkey-", dir=usable) as folder:
        path = Path(folder) / "token"
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(token)
        yield path
