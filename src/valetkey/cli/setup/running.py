"""Running a command to its exit code, with what it works with."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

from rich.console import Console

from valetkey.aws.admin import AdminApi
from valetkey.cli.setup import render
from valetkey.cli.setup.custody import Showing, choose
from valetkey.cli.setup.files import FileJournals, default_journal_folder
from valetkey.cli.setup.options import Keeper, Target
from valetkey.cli.setup.server import ServerUnavailable
from valetkey.domain import errors
from valetkey.domain.credentials import AccessKey
from valetkey.domain.ports.setup import KeyCustodian
from valetkey.domain.setup import SetupSpec
from valetkey.services.setup import Demolition, Setup
from valetkey.system import SystemClock, SystemEntropy

#: Exit codes by kind of error; a subclass stands before its base.
_EXIT_CODES: Final = (
    (errors.AwsUnavailable, 8),
    (ServerUnavailable, 8),
    (errors.TooManyRequests, 8),
    (errors.AwsRefused, 7),
    (errors.Conflict, 6),
    (errors.Locked, 6),
    (errors.NotFound, 5),
    (errors.Denied, 4),
    (errors.Unauthenticated, 3),
    (errors.InvalidInput, 2),
    (errors.ConfigurationError, 2),
)
_INTERRUPTED: Final = 130


@dataclass(frozen=True, slots=True)
class Tools:
    """What a command works with."""

    spec: SetupSpec
    custodian: KeyCustodian
    setup: Setup
    demolition: Demolition


@asynccontextmanager
async def open_tools(target: Target, keeper: Keeper) -> AsyncIterator[Tools]:
    """Put together what the options name, and close it afterwards. Raises InvalidInput."""
    api = AdminApi(profile=target.aws_profile, region=target.region)
    clock, entropy = SystemClock(), SystemEntropy()
    journals = FileJournals(default_journal_folder(os.environ))
    server = None
    try:
        spec = target.spec(api.region)
        custodian, server = choose(target, keeper, api, clock)
        if keeper.show_secret:
            custodian = Showing(custodian, _show_key)
        parts = (api, custodian, journals, clock, entropy)
        yield Tools(spec, custodian, Setup(*parts), Demolition(*parts))
    finally:
        api.close()
        if server is not None:
            await server.close()


def _show_key(key: AccessKey) -> None:
    console = messages()
    console.print(f"Access key: {key.id}")
    console.print(f"Secret:     {key.secret.reveal()}", soft_wrap=True, markup=False)


def run(work: Coroutine[Any, Any, int], *, as_json: bool) -> int:
    """Run a command to its exit code; a ValetkeyError is shown, not thrown."""
    try:
        return asyncio.run(work)
    except errors.ValetkeyError as error:
        if as_json:
            print_json({"error": render.error_json(error)})
        else:
            render.show_error(messages(), error)
        return next((code for kind, code in _EXIT_CODES if isinstance(error, kind)), 1)
    except KeyboardInterrupt:
        messages().print("Broken off. Run the same command again: it goes on from here.")
        return _INTERRUPTED


def print_json(value: Any) -> None:
    """Print a value for programs."""
    sys.stdout.write(json.dumps(value, indent=2) + "\n")


def output() -> Console:
    """Return where results go."""
    return Console()


def messages() -> Console:
    """Return where progress and errors go."""
    return Console(stderr=True)
