"""The key that seals stored secrets. These commands run on the server's own machine."""

from __future__ import annotations

import asyncio
from pathlib import Path

from cyclopts import App

from valetkey.cli import show
from valetkey.cli.exits import Exit
from valetkey.cli.server import make_sealing_key, reseal
from valetkey.cli.settings import SETUP, SettingsOptions

app = App(name="seal", help="The key that seals stored secrets.")


@app.command
def new(path: Path, /, *, setup: SettingsOptions = SETUP) -> None:
    """Write a fresh key to a file that only its owner reads; never over one that is there.

    Parameters
    ----------
    path
        The file to make.
    """
    make_sealing_key(path)
    if setup.as_json:
        show.write_json({"key": f"file:{path}"})
        return
    show.say(f"Made. Name it in the settings as key = 'file:{path}', the present one under")
    show.say("previous_keys, start every server anew, and run: valetkey seal rotate")


@app.command
def rotate(*, setup: SettingsOptions = SETUP) -> Exit:
    """Move every stored secret from the previous keys to the present one, while servers serve.

    Killed half-way, run it again: it goes on where it was. It says which previous keys nothing
    uses any more; until it does, they must stay. Exit code 1 if secrets are left behind.
    """
    silent = setup.as_json

    def moved_on(moved: int) -> None:
        if not silent:
            show.say(f"{moved} moved")

    outcome = asyncio.run(reseal(setup.settings(), moved_on))
    if silent:
        show.write_json(
            {
                "active": outcome.active,
                "moved": outcome.moved,
                "usage": dict(outcome.usage),
                "unused": list(outcome.unused),
                "lost": dict(outcome.lost),
            }
        )
        return Exit.FAILED if outcome.lost else Exit.DONE
    show.say(f"{sum(outcome.usage.values())} secrets are stored; {outcome.moved} were moved now.")
    for key_id, count in outcome.usage.items():
        present = "  (the present key)" if key_id == outcome.active else ""
        show.say(f"  {count} under {key_id}{present}")
    for key_id in outcome.unused:
        show.say(f"Nothing uses {key_id} any more: take it out of previous_keys, then destroy it.")
    for key_id, count in outcome.lost.items():
        show.say(f"{count} secrets need {key_id}, which is not in the settings: they do not open.")
    if not outcome.unused and not outcome.moved and not outcome.lost:
        show.say("There is nothing to move. To bring in a new key: valetkey seal new FILE")
    return Exit.FAILED if outcome.lost else Exit.DONE
