"""Choosing who keeps the secret."""

from __future__ import annotations

import os
from collections.abc import Callable

from valetkey.cli.setup.files import FileCustodian
from valetkey.cli.setup.options import Keeper, Target
from valetkey.cli.setup.server import Place, ServerApi, ServerCustodian
from valetkey.domain.credentials import AccessKey
from valetkey.domain.errors import InvalidInput
from valetkey.domain.ports.setup import AwsApi, KeyCustodian
from valetkey.domain.ports.time import Clock
from valetkey.domain.secret import Secret
from valetkey.domain.setup import Desired
from valetkey.domain.verification import Check, Outcome, Report

Show = Callable[[AccessKey], None]


class Nobody:
    """Keeps nothing: enough to look, not to apply."""

    name = "nobody named here"

    async def holds(self) -> str:
        return ""

    async def keep(self, key: AccessKey, desired: Desired) -> None:
        del key, desired
        raise _nobody()

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


def _nobody() -> InvalidInput:
    return InvalidInput(
        "Nobody is there to keep the secret of the access key.",
        hint="Name a server (--url), or a private file (--secret-file).",
    )


def require_keeper(keeper: Keeper) -> None:
    """Raise InvalidInput when the options name nobody to keep the secret."""
    if keeper.secret_file is None and not keeper.url:
        raise _nobody()


class Showing:
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


def server_token(keeper: Keeper) -> Secret:
    """Read the server's token from the file or the environment. Raises InvalidInput."""
    if keeper.token_file is not None:
        try:
            return Secret(keeper.token_file.read_text(encoding="utf-8").strip())
        except OSError as error:
            raise InvalidInput(
                f"The token file {keeper.token_file} can't be read: {error.strerror}.",
                hint="Name another with --token-file.",
            ) from None
    token = os.environ.get("VALETKEY_TOKEN", "").strip()
    if not token:
        raise InvalidInput(
            "There is no token for the server.",
            hint="Make one (valetkey keys create), and set VALETKEY_TOKEN or --token-file.",
        )
    return Secret(token)


def choose(
    target: Target, keeper: Keeper, aws: AwsApi, clock: Clock
) -> tuple[KeyCustodian, ServerApi | None]:
    """Return the custodian that the options name, and the server's connection to close."""
    if keeper.secret_file is not None:
        return FileCustodian(keeper.secret_file, aws, clock), None
    if not keeper.url:
        return Nobody(), None
    api = ServerApi(keeper.url, server_token(keeper))
    place = Place(
        organization=keeper.organization,
        project=keeper.project,
        integration=keeper.integration or target.name,
        driver=keeper.driver or target.bucket,
    )
    return ServerCustodian(api, place), api
