"""Commands of every kind from order to end: what may pass is waited for, all else ends them."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Final, Protocol

from valetkey.catalog.domain.ports import CatalogStorage
from valetkey.catalog.domain.sync import Command, CommandKind, total
from valetkey.catalog.services.datasets.outcomes import CommandOutcomes
from valetkey.domain.errors import (
    AwsUnavailable,
    BeingRevoked,
    Locked,
    StorageUnavailable,
    TooManyRequests,
    ValetkeyError,
)
from valetkey.domain.ports import Clock

#: What may be over soon, by itself; work gets over it as long as that takes no longer than this.
PASSING: Final = (AwsUnavailable, BeingRevoked, Locked, TooManyRequests)
_PATIENCE: Final = 300.0
_log = logging.getLogger(__name__)


class Runner(Protocol):
    """Does commands of a kind."""

    async def work(self, command: Command) -> None:
        """Do what can be done of a command now: all of it, whose end is then stored, or what others
        leave. What it raises ends the command as failed, but for what may pass."""
        ...


class Jobs:
    """Runs commands, each by the runner of its kind."""

    def __init__(
        self,
        storage: CatalogStorage,
        clock: Clock,
        outcomes: CommandOutcomes,
        runners: Mapping[CommandKind, Runner],
    ) -> None:
        self._storage = storage
        self._clock = clock
        self._outcomes = outcomes
        self._runners = runners
        #: Of commands that wait for something to pass: since when, and how far they were.
        self._stuck: dict[str, tuple[float, int]] = {}

    async def run(self, command: Command) -> None:
        """Do what can be done of a command now: all of it, or what others leave.

        What AWS refuses ends it as failed, with the cause and the fix in its error. Raises
        StorageUnavailable, and what PASSING are for a while: then it stays open.
        """
        try:
            await self._runners[command.kind].work(command)
        except StorageUnavailable:
            raise
        except PASSING as error:
            if await self._waits(command):
                raise
            await self._outcomes.fail(command, error)
        except ValetkeyError as error:
            await self._outcomes.fail(command, error)
        except Exception as error:  # noqa: BLE001  # a mistake of ours would be tried for ever
            _log.exception("The %s %s failed", command.kind.value, command.id)
            await self._outcomes.fail(command, _unknown(command, error))

    async def _waits(self, command: Command) -> bool:
        """Tell whether what may pass has a while yet, since a command last got on."""
        async with self._storage.read() as work:
            shards = await work.commands.shards(command.id)
        now, seen = self._clock.monotonic(), total(shard.counts for shard in shards).seen
        since, before = self._stuck.get(command.id, (now, seen))
        if before != seen:
            since = now
        if now - since >= _PATIENCE:
            self._stuck.pop(command.id, None)
            return False
        self._stuck[command.id] = (since, seen)
        return True


def _unknown(command: Command, error: Exception) -> ValetkeyError:
    return ValetkeyError(
        f"The {command.kind.value} failed in a way that Valetkey does not know "
        f"({type(error).__name__}).",
        hint="See the server's log, and report it. What was done before is right.",
    )
