"""Running a command to its exit code, with what it works with."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from valetkey.aws.admin import AdminApi
from valetkey.cli import show
from valetkey.cli.exits import Exit, exit_of
from valetkey.cli.setup.custody import Show, ShowingCustodian, choose
from valetkey.cli.setup.files import FileJournals, default_journal_folder
from valetkey.cli.setup.options import CustodianOptions, SetupTarget
from valetkey.domain.credentials import AccessKey
from valetkey.domain.errors import ValetkeyError
from valetkey.domain.ports.setup import KeyCustodian
from valetkey.domain.setup import SetupSpec
from valetkey.sdk.errors import ApiError
from valetkey.services.setup import Setup, Teardown
from valetkey.system import SystemClock, SystemEntropy


@dataclass(frozen=True, slots=True)
class Tools:
    """What a command works with."""

    spec: SetupSpec
    custodian: KeyCustodian
    setup: Setup
    teardown: Teardown


@asynccontextmanager
async def open_tools(
    target: SetupTarget, keeper: CustodianOptions, *, witness: Show | None = None
) -> AsyncIterator[Tools]:
    """Put together what the options name, and close it afterwards. Raises InvalidInput.

    ``witness`` sees a key that was just made, after its custodian has kept it.
    """
    api = AdminApi(profile=target.aws_profile, region=target.region)
    clock, entropy = SystemClock(), SystemEntropy()
    journals = FileJournals(default_journal_folder(os.environ))
    server = None
    try:
        spec = target.spec(api.region)
        custodian, server = choose(target, keeper, api, clock)
        shown = witness or (_show_key if keeper.show_secret else None)
        if shown is not None:
            custodian = ShowingCustodian(custodian, shown)
        parts = (api, custodian, journals, clock, entropy)
        yield Tools(spec, custodian, Setup(*parts), Teardown(*parts))
    finally:
        api.close()
        if server is not None:
            await server.close()


def _show_key(key: AccessKey) -> None:
    console = show.messages()
    console.print(f"Access key: {key.id}")
    console.print(f"Secret:     {key.secret.reveal()}", soft_wrap=True, markup=False)


def run(work: Coroutine[Any, Any, int], *, as_json: bool) -> int:
    """Run a command to its exit code; an error is shown, not thrown."""
    try:
        return asyncio.run(work)
    except (ValetkeyError, ApiError) as error:
        if as_json:
            show.error_json(error)
        else:
            show.error(error)
        return exit_of(error)
    except KeyboardInterrupt:
        show.say("Interrupted. Run the same command again: it goes on from here.")
        return Exit.INTERRUPTED
