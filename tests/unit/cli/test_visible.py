"""A terminal acts on nothing that somebody else wrote: an object's key, a reason, an error."""

from __future__ import annotations

import io
import json

import pytest

from valetkey.cli import reports, show
from valetkey.cli.visible import on_one_line, visible
from valetkey.sdk.errors import InvalidRequest
from valetkey.wire.reports import Check

HOSTILE = "a\x1b[31m\x1b]0;owned\x07\x9b2J\u202eb\u2028\r\x08c"
ACTING = set("\x1b\x07\x9b\u202e\u2028\r\x08")


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def terminal(monkeypatch: pytest.MonkeyPatch) -> _Terminal:
    """One terminal for results and messages; without colours there is nothing of our own that a
    terminal acts upon."""
    shown = _Terminal()
    for name, value in (("NO_COLOR", "1"), ("TERM", "dumb"), ("COLUMNS", "200")):
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("sys.stdout", shown)
    monkeypatch.setattr("sys.stderr", shown)
    return shown


def test_no_way_of_printing_lets_a_control_character_through(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    screen = terminal(monkeypatch)
    monkeypatch.setattr("sys.stdin", _Terminal("yes\n"))
    show.table(["path"], [[HOSTILE]], empty=HOSTILE)
    show.table(["path"], [], empty=HOSTILE)
    show.facts([("path", HOSTILE)])
    show.say(HOSTILE)
    show.error(InvalidRequest(HOSTILE, hint=HOSTILE))
    show.confirm(f"Delete {HOSTILE}?", yes=False)
    show.write(HOSTILE)
    show.write_name(HOSTILE)
    show.write_json({"path": HOSTILE})
    check = Check(
        name=HOSTILE,
        claim=HOSTILE,
        outcome="failed",
        seconds=1.0,
        advisory=False,
        cause=HOSTILE,
        fix=HOSTILE,
    )
    reports.show_checks(show.output(), [check])
    assert ACTING.intersection(screen.getvalue()) == set()
    assert screen.getvalue().count("\\u001b[31m") >= 12


def test_what_a_terminal_shows_as_json_is_that_json(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = terminal(monkeypatch)
    show.write_json({"path": HOSTILE})
    assert json.loads(screen.getvalue()) == {"path": HOSTILE}


def test_a_program_reads_it_exactly(capsys: pytest.CaptureFixture[str]) -> None:
    show.write_name(HOSTILE)
    assert capsys.readouterr().out == HOSTILE + "\n"


def test_a_name_of_two_lines_is_a_row_of_one(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = terminal(monkeypatch)
    show.table(["path", "id"], [["two\nlines\tof it", "1"]], empty="")
    assert "two\\nlines\\tof it" in screen.getvalue()
    assert len(screen.getvalue().splitlines()) == 2


@pytest.mark.parametrize(
    "text", ["plain", "two\nlines", "tab\t", "naïve 🔑 한글 עברית", "👩\u200d🚀"]
)
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    assert visible(text) == text
    assert "\n" not in on_one_line(text)
