"""Runs what a guide says: the commands of its ``console`` blocks, in order, in one shell.

A line that begins with ``$ `` is a command (``> `` goes on with it); any other line must stand in
its output, ``...`` for whatever. Every command must end well; in a block marked ``console fails``
none may. A block inside an HTML comment is run and not shown to readers.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

_BLOCK = re.compile(r"^```console( fails)?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_BEGIN, _END = "@@@ begin", "@@@ end"


@dataclass
class Step:
    """A command, the line of the guide where it stands, and what its output must hold."""

    line: int
    command: str
    fails: bool
    expected: list[str] = field(default_factory=list)


def steps_of(guide: Path) -> list[Step]:
    """Return a guide's commands in order."""
    text = guide.read_text(encoding="utf-8")
    found: list[Step] = []
    for block in _BLOCK.finditer(text):
        first = text.count("\n", 0, block.start()) + 2
        for number, line in enumerate(block[2].splitlines(), first):
            if line.startswith("$ "):
                found.append(Step(number, line[2:], bool(block[1])))
            elif line.startswith("> "):
                found[-1].command += "\n" + line[2:]
            elif line.strip() not in {"", "..."}:
                found[-1].expected.append(line)
    return found


def run_guide(guide: Path, environment: Mapping[str, str], folder: Path) -> Iterator[str]:
    """Run a guide in a folder; yield a sentence for everything that is not as it says."""
    steps = steps_of(guide)
    ran = subprocess.run(  # noqa: S603  # our own guides
        ["/bin/bash", "-c", _script(steps)],
        env=dict(environment),
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=270,
    )
    outputs = re.findall(rf"{_BEGIN}\n(.*?)\n{_END} (\d+)\n", ran.stdout, re.DOTALL)
    if len(outputs) != len(steps):
        yield f"{guide.name}: the shell ended early:\n{ran.stdout}"
    for step, (output, code) in zip(steps, outputs, strict=False):
        where = f"{guide.name}:{step.line}: {step.command}"
        if (code != "0") != step.fails:
            yield f"{where}\nended with {code}:\n{output}"
        yield from (
            f"{where}\ndid not print {line!r}, but:\n{output}"
            for line in step.expected
            if not _stands_in(line, output)
        )


def _script(steps: list[Step]) -> str:
    parts = (
        f"echo '{_BEGIN}'\n{step.command}\ncode=$?\nprintf '\\n{_END} %s\\n' \"$code\""
        for step in steps
    )
    return "\n".join(parts)


def _stands_in(line: str, output: str) -> bool:
    pieces = (re.escape(" ".join(piece.split())) for piece in line.split("..."))
    return re.search(".*?".join(pieces), " ".join(output.split())) is not None
