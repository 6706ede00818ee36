"""The command ``valetkey``.

A group of commands is a module with a cyclopts ``App`` named ``app``; a single command is a
function. Either is mounted by one line in ``commands.py``, by its place rather than by an import::

    Mount("leases", "valetkey.cli.leases:app", "See and revoke what was handed out."),

so that ``valetkey --help`` stays quick and the plain package runs without the server's libraries:
a module is imported when its command is used. To put a command into a group of somebody else's,
add a line like that to the group's module: ``app.command("valetkey.cli.rotation:rotate", ...)``.

A command takes ``common: Common = COMMON`` (the server's address, the token, ``--json``), opens a
client with ``open_client(common)``, prints with ``show`` and returns an ``Exit`` or nothing. Errors
are raised, never printed: ``main`` shows them, to people or (``--json``) to programs, and ends
with the exit code that ``exits.py`` has for their kind.
"""

from __future__ import annotations

import sys

if sys.argv[:1] == ["-m"] and not sys.flags.safe_path:
    # ``python -m`` puts the current folder first: a copy.py that lies there is not ours to run.
    del sys.path[0]

from valetkey.cli.entry import main

__all__ = ["main"]
