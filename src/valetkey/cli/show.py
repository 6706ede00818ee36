"""Output: tables and sentences for people, JSON for programs, secrets for neither unless asked."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from valetkey.cli.visible import on_one_line, visible

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

    from valetkey.cli.exits import Explained
    from valetkey.wire.reports import Report

_PIPE_WIDTH: Final = 400
#: Columns in which an id, or a property of another kind, can be read.
_ID_WIDTH: Final = 24
_CELL_WIDTH: Final = 10
#: So many of what something failed for are named to people.
_MOST_NAMED: Final = 10


def output() -> Console:
    """Return where results go."""
    from valetkey.cli.safe_console import SafeConsole  # noqa: PLC0415  # most of a start-up's time

    # What is piped is not folded at 80 columns: the next program reads it by lines.
    piped = not sys.stdout.isatty() and "COLUMNS" not in os.environ
    # Not left to the library, which takes a terminal without abilities for 80 columns wide.
    size = shutil.get_terminal_size()
    return SafeConsole(width=_PIPE_WIDTH if piped else size.columns, height=size.lines)


def messages() -> Console:
    """Return where progress and errors go."""
    from valetkey.cli.safe_console import SafeConsole  # noqa: PLC0415

    return SafeConsole(stderr=True)


def say(text: str) -> None:
    """Print a sentence on standard error: what was done, beside the result."""
    messages().print(text, markup=False, highlight=False, soft_wrap=True)


def write(text: str) -> None:
    """Print a result exactly as it is, but for what a terminal would act upon. Whoever reads by a
    pipe has it now, not at our end: a command that goes on living has no end to wait for."""
    shown = visible(text) if sys.stdout.isatty() else text
    sys.stdout.write(shown if shown.endswith("\n") else shown + "\n")
    sys.stdout.flush()


def write_name(name: str) -> None:
    """Print a name on a line of its own; a terminal shows none as two."""
    write(on_one_line(name) if sys.stdout.isatty() else name)


def write_out(chunks: Iterable[bytes], file: Path | None) -> None:
    """Write what may be large as it comes: to a file of one's own, or to standard output."""
    from valetkey.cli.logins import write_private  # noqa: PLC0415  # few commands need it

    if file is not None:
        write_private(file, chunks)
        return
    for chunk in chunks:
        sys.stdout.buffer.write(chunk)
    sys.stdout.buffer.flush()


def write_json(value: Any) -> None:
    """Print a value for programs; the library's models have the REST API's names."""
    import msgspec  # noqa: PLC0415

    write(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())


def write_raw(body: bytes) -> None:
    """Print JSON as it came, indented."""
    import msgspec  # noqa: PLC0415

    write(msgspec.json.format(body, indent=2).decode())


def table(columns: Sequence[str], rows: Iterable[Sequence[str]], *, empty: str) -> None:
    """Print a table, or a sentence when there is nothing in it. Where a terminal is too narrow for
    its columns, each row is a list of names and values."""
    from rich.markup import escape  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415

    needed = sum(_ID_WIDTH if each == "id" else _CELL_WIDTH for each in columns)
    if output().width < needed:
        _listed(columns, rows, empty=empty)
        return
    shown = Table(box=None, pad_edge=False)
    for column in columns:
        shown.add_column(column, overflow="fold", no_wrap=column == "id")
    for row in rows:
        shown.add_row(*(escape(on_one_line(each)) for each in row))
    if shown.row_count:
        output().print(shown)
    else:
        say(empty)


def _listed(columns: Sequence[str], rows: Iterable[Sequence[str]], *, empty: str) -> None:
    number = 0
    for number, row in enumerate(rows, start=1):  # how many there were
        if number > 1:
            write("")
        facts(zip(columns, row, strict=True))
    if not number:
        say(empty)


def facts(rows: Iterable[tuple[str, str]]) -> None:
    """Print names and values, a line each; what is empty is left out. On a narrow terminal it wraps
    the lines."""
    from rich.markup import escape  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415

    console = output()
    shown = Table(box=None, pad_edge=False, show_header=False)
    shown.add_column(style="dim")
    shown.add_column(overflow="fold")
    for name, value in rows:
        if value:
            shown.add_row(name, escape(value))
    console.width = max(console.width, 2 * _ID_WIDTH)
    console.print(shown)


def report(found: Report) -> None:
    """Print each claim of a report, and what to do about those that don't hold."""
    from valetkey.cli.reports import show_checks  # noqa: PLC0415

    show_checks(output(), found.checks)


def error(problem: Explained) -> None:
    """Say what happened, what to do, and under which id the server's log has it."""
    from rich.markup import escape  # noqa: PLC0415

    console = messages()
    console.print(f"[bold red]{escape(problem.message)}[/]", highlight=False, soft_wrap=True)
    if problem.hint:
        say(problem.hint)
    _failures(getattr(problem, "details", {}))
    request_id = getattr(problem, "request_id", "")
    if request_id:
        say(f"Request id: {request_id}")


def _failures(details: Mapping[str, Any]) -> None:
    """Name the first of what it did not work for, and tell how many more there are."""
    named = details.get("failures")
    if not isinstance(named, list) or not named:
        return
    for each in named[:_MOST_NAMED]:
        code = each.get("code", "")
        told = f"{each.get('message', '')} ({code})" if code else each.get("message", "")
        say(on_one_line(f"  {each.get('filename', '')}: {told}"))
    more = details.get("failed", len(named)) - min(len(named), _MOST_NAMED)
    if more > 0:
        say(f"  and {more:,} more; --json names up to {len(named)}.")


def error_json(problem: Explained) -> None:
    """Print an error for programs, in the REST API's form."""
    shown = {"message": problem.message, "code": problem.code, "hint": problem.hint}
    more = {
        "field": getattr(problem, "field", ""),
        "details": dict(getattr(problem, "details", {})),
        "requestId": getattr(problem, "request_id", ""),
    }
    write_json({"error": shown | {name: value for name, value in more.items() if value}})


def confirm(question: str, *, yes: bool) -> None:
    """Ask before something is destroyed, where somebody is there to be asked. Raises
    InvalidRequest when they don't type yes."""
    from valetkey.sdk.errors import InvalidRequest  # noqa: PLC0415

    if yes or not sys.stdin.isatty():
        return
    try:
        typed = messages().input(f"{question} Type yes: ", markup=False)
    except EOFError:
        typed = ""
    if typed.strip() != "yes":
        raise InvalidRequest("Nothing was changed.", hint="--yes doesn't ask.")


def moment(value: datetime | None) -> str:
    """Return a time as people read it."""
    return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC") if value else ""
