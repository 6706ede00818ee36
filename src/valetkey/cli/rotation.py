"""Rotating an integration's access key; switching an integration off and on."""

from __future__ import annotations

import time
from typing import Final

from valetkey.cli import render, show
from valetkey.cli.aws_credentials import AwsCredentialOptions, find_administrator
from valetkey.cli.common import COMMON, Common, Flag
from valetkey.cli.connection import open_client
from valetkey.cli.durations import parse_optional_span, parse_span
from valetkey.cli.exits import Exit
from valetkey.cli.integrations import the_integration
from valetkey.cli.options import ByName
from valetkey.cli.terminal import Terminal
from valetkey.counting import counted
from valetkey.sdk.errors import NotFound
from valetkey.wire.rotations import Rotation, RotationSchedule

_LOOK_AGAIN: Final = 0.5
_FAILED: Final = frozenset({"rollingBack", "rolledBack"})
#: From here on only time is missing.
_SETTLED: Final = frozenset({"switched", "deactivated", "done", "rolledBack"})
_SENTENCES: Final = {
    "intended": "It is written down that a new key is to be made.",
    "created": "AWS has made the key {new}.",
    "sealed": "Its secret is sealed and stored.",
    "proven": "AWS accepts it, several times in a row: it opens the role.",
    "switched": "Credentials are made with it from now on. Requests under way end with {old}.",
    "deactivated": "The old key {old} is inactive. It is deleted once its grace is over.",
    "done": "The old key {old} is deleted.",
    "rollingBack": "The new key is given up; {old} stays in use.",
    "rolledBack": "The new key is gone; {old} is in use as before.",
}
_NOBODY: Final = AwsCredentialOptions()


def rotate(
    name: ByName,
    /,
    *,
    every: str = "",
    delete_unknown_key: str | None = None,
    grace: str = "",
    status: Flag = False,
    cancel: Flag = False,
    wait: bool = True,
    admin: AwsCredentialOptions = _NOBODY,
    common: Common = COMMON,
) -> Exit:
    """Replace an integration's access key. Run again, it goes on with the rotation under way.

    Requests go on with the old key until the new one is proven; the old one is deleted after a
    grace. By the user's own right, which 'valetkey setup aws apply' grants.

    Parameters
    ----------
    every
        Rotate by itself every so often from now on, such as 30d; 'never' ends that.
    delete_unknown_key
        The id of a second key that Valetkey did not make, which may be deleted to make room.
    grace
        How long the old key stays, inactive, before it is deleted (default: 24h).
    status
        Only show how far the latest rotation is, and the schedule.
    cancel
        End the rotation under way. Before the new key is in use it is taken back (cancelled again,
        it is left in IAM); after that the old key stays as it is.
    wait
        Wait until the new key is in use.
    """
    with open_client(common) as client:
        found = the_integration(client, name)
        if every:
            return _schedule(client, found.id, every)
        if status:
            return _status(client, found.id)
        if cancel:
            ended = client.rotations.cancel(found.id)
            render.one(client, ended, say=ended.steps[-1].note or ended.stage)
            return Exit.DONE
        rotation = client.rotations.create(
            found.id,
            delete_unknown_key=delete_unknown_key,
            grace_seconds=parse_optional_span(grace, "--grace"),
            administrator=find_administrator(admin),
        )
        return _follow(client, rotation, wait=wait)


def _follow(client: Terminal, rotation: Rotation, *, wait: bool) -> Exit:
    is_quiet, shown = client.common.form != "table", 0
    while True:
        shown = shown if is_quiet else _show_steps(rotation, shown)
        if not wait or rotation.stage in _SETTLED or rotation.problem:
            break
        time.sleep(_LOOK_AGAIN)
        rotation = client.rotations.get_latest(rotation.integration_id)
    if is_quiet:
        render.one(client, rotation)
    elif rotation.problem:
        show.say(rotation.problem)
    elif rotation.next_step_at:
        show.say(f"The server goes on by itself at {show.moment(rotation.next_step_at)}.")
    failed = rotation.stage in _FAILED or bool(rotation.problem)
    return Exit.FAILED if failed else Exit.DONE


def _show_steps(rotation: Rotation, shown: int) -> int:
    names = {"new": rotation.new_access_key_id, "old": rotation.old_access_key_id}
    for step in rotation.steps[shown:]:
        note = f" ({step.note})" if step.note else ""
        show.say(_SENTENCES.get(step.stage, step.stage).format(**names) + note)
    return len(rotation.steps)


def _status(client: Terminal, integration_id: str) -> Exit:
    """Show the latest rotation and, to people, the schedule."""
    try:
        rotation = client.rotations.get_latest(integration_id)
    except NotFound:
        if client.common.form != "table":
            raise
        show.say("The key was never rotated.")
    else:
        render.one(client, rotation)
    if client.common.form == "table":
        try:
            show.say(_sentence(client.rotations.get_schedule(integration_id)))
        except NotFound:
            show.say("It is not rotated by schedule: see --every.")
    return Exit.DONE


def _schedule(client: Terminal, integration_id: str, every: str) -> Exit:
    if every == "never":
        client.rotations.delete_schedule(integration_id)
        render.done(client, "It is not rotated by schedule: see --every.")
        return Exit.DONE
    seconds = parse_span(every, "--every")
    made = client.rotations.put_schedule(integration_id, every_seconds=seconds)
    render.one(client, made, say=_sentence(made))
    return Exit.DONE


def _sentence(schedule: RotationSchedule) -> str:
    days, spread = schedule.every_seconds / 86_400, schedule.jitter_seconds / 3600
    return (
        f"It is rotated every {counted(days, 'day')}, spread by up to {counted(spread, 'hour')}; "
        f"next at {show.moment(schedule.next_at)}."
    )


def disable(name: ByName, /, *, common: Common = COMMON) -> None:
    """Vend no credentials through an integration until it is enabled again.

    Leases live on until they end: see 'valetkey leases revoke'.
    """
    with open_client(common) as client:
        changed = client.integrations.disable(the_integration(client, name).id)
        say = f"The integration {changed.name} is off: no credentials are given through it."
        render.one(client, changed, say=say)
        render.say_what_lives(client, changed.live_leases, changed.live_until)


def enable(name: ByName, /, *, common: Common = COMMON) -> None:
    """Vend credentials through an integration again."""
    with open_client(common) as client:
        changed = client.integrations.enable(the_integration(client, name).id)
        render.one(client, changed, say=f"The integration {changed.name} is on again: verify it.")
