"""Standard input, output and errors that are closed, full, cut short or narrow."""

from __future__ import annotations

import io
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from support.commands import Asked, Commands, Ran, clean_environment
from valetkey.cli import show
from valetkey.sdk.errors import InvalidRequest

SETTINGS = ["settings", "--markdown"]


def shell(words: list[str], redirected: str, home: Path, **more: str) -> Ran:
    """Run a command as a shell does, with its streams led elsewhere."""
    command = shlex.join([sys.executable, "-m", "valetkey.cli", *words])
    done = subprocess.run(  # noqa: S603  # our own words
        ["/bin/sh", "-c", f"{command} {redirected}"],
        env=clean_environment(home, **more),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return Ran(done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize("words", [SETTINGS, ["--help"], ["whoami", "--json"]])
def test_nothing_is_done_where_the_output_is_closed(words: list[str], tmp_path: Path) -> None:
    ran = shell(words, ">&-", tmp_path)
    assert ran.code == 2
    assert "standard output is closed" in ran.err.lower()
    assert "Traceback" not in ran.err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
@pytest.mark.parametrize("words", [SETTINGS, ["--help"], ["whoami", "--json"]])
def test_an_output_that_is_full_is_named(words: list[str], tmp_path: Path) -> None:
    ran = shell(words, ">/dev/full", tmp_path)
    assert ran.code in {1, 3}
    assert "No space left on device" in ran.err or "not logged in" in ran.err
    assert "Traceback" not in ran.err
    assert "did not expect" not in ran.err


@pytest.mark.parametrize("words", [SETTINGS, ["--help"], ["whoami"]])
def test_a_closed_input_is_nobody_there(words: list[str], tmp_path: Path) -> None:
    ran = shell(words, "<&-", tmp_path)
    assert ran.code in {0, 3}
    assert "did not expect" not in ran.err


def test_a_terminal_that_does_not_know_a_letter_shows_its_number(tmp_path: Path) -> None:
    script = (
        "import sys\nfrom valetkey.cli import entry, show\n"
        "entry._run = lambda words: show.say('k\\xf6nnte \\U0001f511')\nsys.exit(entry.main(['x']))"
    )
    done = subprocess.run(  # noqa: S603  # our own words
        [sys.executable, "-c", script],
        env=clean_environment(tmp_path, PYTHONIOENCODING="ascii", LC_ALL="C"),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "k\\xf6nnte \\U0001f511\n")


def test_a_word_that_is_no_text_is_said(commands: Commands) -> None:
    commands.set(VALETKEY_URL="http://127.0.0.1:1", VALETKEY_TOKEN="vkt_x")
    ran = commands.run("projects", "create", "\udcff")
    assert ran.code == 2
    assert "half a character" in ran.said


def test_closed_errors_lose_words_alone(tmp_path: Path) -> None:
    assert shell(["whoami"], "2>&-", tmp_path).code == 3
    assert shell(SETTINGS, "2>&-", tmp_path).code == 0


@pytest.mark.parametrize("words", [SETTINGS, ["--help"]])
def test_whoever_has_read_enough_ends_it_quietly(words: list[str], tmp_path: Path) -> None:
    ran = shell(words, "| head -1", tmp_path)
    assert (ran.code, ran.err, len(ran.out.splitlines())) == (0, "", 1)


def test_an_input_that_ends_at_the_question_is_no_yes(
    commands: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", Asked(""))
    with pytest.raises(InvalidRequest, match="Nothing was changed"):
        show.confirm("Delete it?", yes=False)
    ran = commands.run("login", "--url", "http://127.0.0.1:1", stdin=Asked(""))
    assert ran.code == 2
    assert "did not expect" not in ran.said


@pytest.mark.parametrize("columns", ["1", "20", "40"])
def test_a_narrow_terminal_shows_all_that_a_wide_one_does(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], columns: str
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    names = ("name", "opens", "access", "region", "id")
    row = ("images", "s3://acme/train/", "list, read", "eu-central-1", "0198c0de0000700080000001")
    show.table(names, [row, row], empty="")
    shown = capsys.readouterr().out
    for each in (*names, *row):
        assert each in shown
    show.facts(list(zip(names, row, strict=True)))
    shown = capsys.readouterr().out
    for each in (*names, *row):
        assert each in shown


def test_a_terminal_without_abilities_is_as_wide_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Asked("")  # a terminal
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.setattr("os.get_terminal_size", lambda _: os.terminal_size((20, 24)))
    monkeypatch.setattr("sys.stdout", screen)
    assert show.output().width == 20


def test_no_color_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("FORCE_COLOR", "")
    errors = io.StringIO()
    monkeypatch.setattr("sys.stderr", errors)
    show.error(InvalidRequest("no", hint="do"))
    assert errors.getvalue() == "no\ndo\n"


BROKEN_OFF = """
import sys
from valetkey.cli import connection, main

def broken_off(*_):
    raise KeyboardInterrupt

connection.find_connection = broken_off
sys.exit(main(["whoami"]))
"""


def test_a_command_that_is_broken_off_says_so(tmp_path: Path) -> None:
    done = subprocess.run(  # noqa: S603  # our own words
        [sys.executable, "-c", BROKEN_OFF],
        env=clean_environment(tmp_path),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (130, "Interrupted.\n")
