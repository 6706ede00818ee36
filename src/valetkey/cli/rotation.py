"""Rotating an integration's access key; switching an integration off and on."""

from __future__ import annotations

import time
from typing import Any, Final

from valetkey.cli import show
from valetkey.cli.connection import COMMON, Common, Flag, open_client
from valetkey.cli.durations import parse_span
from valetkey.cli.exits import Exit
from valetkey.sdk import calls, flows
from valetkey.sdk.client import Client
from valetkey.sdk.models import Integration
from valetkey.wire.rotations import Rotation

_LOOK_AGAIN: Final = 0.5
_FAILED: Final = frozenset({"rolling back", "rolled back"})
#: From here on only time is missing.
_SETTLED: Final = frozenset({"switched", "deactivated", "done", "rolled back"})
_SENTENCES: Final = {
    "intended": "It is written down that a new key is to be made.",
    "created": "AWS has made the key {new}.",
    "sealed": "Its secret is sealed and stored.",
    "proven": "AWS accepts it, several times in a row: it opens the role.",
    "switched": "Credentials are made with it from now on. Requests under way end with {old}.",
    "deactivated": "The old key {old} is inactive. It is deleted once its grace is over.",
    "done": "The old key {old} is deleted.",
    "rolling back": "The new key is given up; {old} stays in use.",
    "rolled back": "The new key is gone; {old} is in use as before.",
}


def rotate(
    name: str,
    /,
    *,
    every: str = "",
    delete_stranger: str = "",
    grace: str = "",
    status: Flag = False,
    cancel: Flag = False,
    wait: bool = True,
    as_admin: Flag = False,
    aws_profile: str = "",
    org: str = "",
    common: Common = COMMON,
) -> Exit:
    """Replace an integration's access key. Run again, it goes on with the rotation under way.

    Requests go on with the old key until the new one is proven; the old one is deleted after a
    grace. By the user's own right, which 'valetkey setup aws apply' grants.

    Parameters
    ----------
    name
        The integration's name or id.
    every
        Rotate by itself every so often from now on, such as 30d; 'never' ends that.
    delete_stranger
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
    as_admin
        Use the AWS credentials of this machine, for this once, instead of the user's own right.
    aws_profile
        A profile of ~/.aws for that; implies --as-admin.
    org
        The organisation, by name or id (default: the only one).
    """
    with open_client(common) as client:
        found = client.run(flows.find_integration(name, org))
        if every:
            seconds = None if every == "never" else parse_span(every, "--every")
            answer = client.send(calls.schedule_rotation(found.org, found.id, seconds))
            return _show_status(answer, as_json=common.as_json)
        if status:
            answer = client.send(calls.rotation_status(found.org, found.id))
            return _show_status(answer, as_json=common.as_json)
        if cancel:
            return _show_cancelled(client.rotations.cancel(found.id), as_json=common.as_json)
        administrator = None
        if as_admin or aws_profile:
            from valetkey.cli.aws_credentials import find_credentials  # noqa: PLC0415

            administrator = find_credentials(aws_profile)
        rotation = client.send(
            calls.rotate_integration(
                found.org,
                found.id,
                delete_stranger=delete_stranger,
                grace_seconds=parse_span(grace, "--grace") if grace else None,
                administrator=administrator,
            )
        )
        return _follow(client, found, rotation, wait=wait, as_json=common.as_json)


def _show_cancelled(rotation: Rotation, *, as_json: bool) -> Exit:
    if as_json:
        show.write_json(rotation)
    else:
        show.say(rotation.steps[-1].note or rotation.stage)
    return Exit.DONE


def _follow(
    client: Client, found: Integration, rotation: dict[str, Any], *, wait: bool, as_json: bool
) -> Exit:
    shown = 0
    while True:
        if not as_json:
            shown = _show_steps(rotation, shown)
        if not wait or rotation["stage"] in _SETTLED or rotation["problem"]:
            break
        time.sleep(_LOOK_AGAIN)
        answer = client.send(calls.rotation_status(found.org, found.id))
        rotation = answer["rotation"] or rotation
    if as_json:
        show.write_json(rotation)
    elif rotation["problem"]:
        show.say(rotation["problem"])
    elif rotation["nextStepAt"]:
        show.say(f"The server goes on by itself at {rotation['nextStepAt']}.")
    failed = rotation["stage"] in _FAILED or bool(rotation["problem"])
    return Exit.FAILED if failed else Exit.DONE


def _show_steps(rotation: dict[str, Any], shown: int) -> int:
    names = {"new": rotation["newKey"], "old": rotation["oldKey"]}
    for step in rotation["steps"][shown:]:
        note = f" ({step['note']})" if step["note"] else ""
        show.say(_SENTENCES.get(step["stage"], step["stage"]).format(**names) + note)
    return len(rotation["steps"])


def _show_status(answer: dict[str, Any], *, as_json: bool) -> Exit:
    if as_json:
        show.write_json(answer)
        return Exit.DONE
    rotation, schedule = answer["rotation"], answer["schedule"]
    if rotation is None:
        show.say("The key was never rotated.")
    else:
        show.facts(
            [
                ("stage", rotation["stage"]),
                ("problem", rotation["problem"]),
                ("old key", rotation["oldKey"]),
                ("new key", rotation["newKey"]),
                ("begun", rotation["startedAt"]),
                ("by", rotation["actor"]),
                ("next step", rotation["nextStepAt"] or ""),
            ]
        )
    if schedule is None:
        show.say("It is not rotated by schedule: see --every.")
    else:
        days = schedule["everySeconds"] / 86_400
        spread = schedule["jitterSeconds"] / 3600
        show.say(
            f"It is rotated every {days:g} days, spread by up to {spread:g} hours; next at "
            f"{schedule['nextAt']}."
        )
    return Exit.DONE


def disable(name: str, /, *, org: str = "", common: Common = COMMON) -> None:
    """Give no credentials through an integration until it is enabled again.

    Sessions that were handed out live on until they end: see 'valetkey leases revoke'.

    Parameters
    ----------
    name
        The integration's name or id.
    org
        The organisation, by name or id (default: the only one).
    """
    _switch(name, org, common, on=False)


def enable(name: str, /, *, org: str = "", common: Common = COMMON) -> None:
    """Give credentials through an integration again.

    Parameters
    ----------
    name
        The integration's name or id.
    org
        The organisation, by name or id (default: the only one).
    """
    _switch(name, org, common, on=True)


def _switch(name: str, org: str, common: Common, *, on: bool) -> None:
    with open_client(common) as client:
        found = client.run(flows.find_integration(name, org))
        changed = client.send(calls.switch_integration(found.org, found.id, on=on))
    if common.as_json:
        show.write_json(changed)
    elif on:
        show.say(f"The integration {changed.name} is on again: verify it.")
    else:
        show.say(f"The integration {changed.name} is off: no credentials are given through it.")
