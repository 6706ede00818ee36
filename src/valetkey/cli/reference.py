"""``python -m valetkey.cli.reference``: docs/reference/cli.md, from the commands themselves."""

from __future__ import annotations

import re

from valetkey.cli import show
from valetkey.cli.commands import GROUPS
from valetkey.cli.exits import Exit
from valetkey.cli.program import app

#: The library puts into a usage how Python was started to write it.
_HOW_STARTED = re.compile(r"^(valetkey .*?) -m [\w.]+", re.MULTILINE)
_EXITS = {
    Exit.DONE: "done",
    Exit.FAILED: "it ran, and something does not hold: a check failed, a chain is broken",
    Exit.USAGE: "the words, the input or the settings can't be right",
    Exit.UNAUTHENTICATED: "not logged in, or the token no longer holds",
    Exit.DENIED: "you may not",
    Exit.NOT_FOUND: "no such thing, or none that you may know of",
    Exit.CONFLICT: "it does not fit the present state",
    Exit.AWS_REFUSED: "AWS said no",
    Exit.UNAVAILABLE: "no answer: the server, the database or AWS; try again",
    Exit.INTERRUPTED: "interrupted (Ctrl-C)",
}


def cli_page() -> str:
    """Return the reference of all commands, in Markdown."""
    lines = [
        "# Commands",
        "This page is generated: `make reference`. Every command has `--help`; `--json` prints "
        'for programs, errors as `{"error": {message, code, hint, requestId}}`. Secrets are read '
        "from a prompt, a file, or standard input (`-`), never from the command line.",
        "",
    ]
    for title, mounts in GROUPS:
        lines += [f"- **{title}**: " + ", ".join(f"`{mount.name}`" for mount in mounts)]
    lines += ["", "## Exit codes", "| code | means |", "|---|---|"]
    lines += [f"| {code.value} | {text} |" for code, text in _EXITS.items()]
    lines += ["", _HOW_STARTED.sub(r"\1", app.generate_docs(heading_level=2))]
    return "\n".join(line.rstrip() for line in "\n".join(lines).splitlines()).rstrip() + "\n"


if __name__ == "__main__":
    show.write(cli_page())
