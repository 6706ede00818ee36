"""Choosing who keeps the secret."""

from __future__ import annotations

from collections.abc import Callable

from valetkey.cli.connection import ServerConnection, find_connection
from valetkey.cli.setup.files import FileCustodian
from valetkey.cli.setup.options import CustodianOptions, SetupTarget
from valetkey.cli.setup.server import ServerCustodian, ServerDestination
from valetkey.domain.credentials import AccessKey
from valetkey.domain.errors import InvalidInput
from valetkey.domain.ports.setup import AwsApi, KeyCustodian
from valetkey.domain.ports.time import Clock
from valetkey.domain.setup import Desired
from valetkey.domain.verification import Check, Outcome, Report
from valetkey.sdk.client import AsyncClient
from valetkey.sdk.errors import Unauthenticated

Show = Callable[[AccessKey], None]


class NoCustodian:
    """Keeps nothing: enough to look, not to apply."""

    name = "nobody named here"

    async def holds(self) -> str:
        return ""

    async def keep(self, key: AccessKey, desired: Desired) -> None:
        del key, desired
        raise _no_custodian()

    async def prove(self, desired: Desired) -> Report:
        cause = "Neither a server (--url) nor a file (--secret-file) was named."
        claim = f"The key opens the role {desired.role}."
        return Report((Check("assume", claim, Outcome.SKIPPED, cause),))

    async def complete(self, desired: Desired) -> tuple[str, ...]:
        del desired
        return ()

    async def release(self, desired: Desired) -> tuple[str, ...]:
        del desired
        return ()


def _no_custodian() -> InvalidInput:
    return InvalidInput(
        "Nobody is there to keep the secret of the access key.",
        hint="Log in to a server (valetkey login), name one (--url), or name a private file "
        "(--secret-file).",
    )


def require_custodian(keeper: CustodianOptions) -> None:
    """Raise InvalidInput when the options name nobody to keep the secret."""
    if keeper.secret_file is None and _server(keeper) is None:
        raise _no_custodian()


class ShowingCustodian:
    """A custodian that also shows the secret, once, because it was asked to."""

    def __init__(self, inner: KeyCustodian, show: Show) -> None:
        self._inner = inner
        self._show = show
        self.name = inner.name
        self.holds = inner.holds
        self.prove = inner.prove
        self.complete = inner.complete
        self.release = inner.release

    async def keep(self, key: AccessKey, desired: Desired) -> None:
        await self._inner.keep(key, desired)
        self._show(key)


def _server(keeper: CustodianOptions) -> ServerConnection | None:
    """Return the server that is named, or logged in to; None if neither is so.

    Raises ApiError when one is named and there is no token for it.
    """
    try:
        return find_connection(keeper.url, keeper.token_file)
    except Unauthenticated:
        if keeper.url:
            raise
        return None


def choose(
    target: SetupTarget, keeper: CustodianOptions, aws: AwsApi, clock: Clock
) -> tuple[KeyCustodian, AsyncClient | None]:
    """Return the custodian that the options name, and the server's connection to close."""
    if keeper.secret_file is not None:
        return FileCustodian(keeper.secret_file, aws, clock), None
    server = _server(keeper)
    if server is None:
        return NoCustodian(), None
    client = AsyncClient(server.url, server.token)
    place = ServerDestination(
        organization=keeper.org,
        project=keeper.project,
        integration=keeper.integration or target.name,
        location=keeper.location or target.bucket,
        endpoint=keeper.endpoint,
    )
    return ServerCustodian(client, place), client
