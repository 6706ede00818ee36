"""From words to an exit code, and to words for whoever typed them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from support.commands import Commands, clean_environment
from valetkey.cli.commands import GROUPS
from valetkey.cli.exits import Exit, Explained, exit_of
from valetkey.domain import errors as server_errors
from valetkey.sdk import errors as client_errors

USAGE = [
    (["nope"], "There is no command 'valetkey nope'."),
    (["locations", "lst"], "Did you mean 'valetkey locations list'?"),
    (["--nope"], "'valetkey' has no option '--nope'."),
    (["--versio"], "Did you mean '--version'?"),
    (["whoami", "--nope"], "'valetkey whoami' has no option '--nope'."),
    (["whoami", "--jsn"], "Did you mean '--json'?"),
    (["locations", "show"], "'valetkey locations show' needs NAME. Add NAME. Its name or id."),
    (["members", "add", "a@example.com"], "needs --role. Add --role VALUE."),
    (["members", "add", "a@example.com", "--rol", "owner"], "Did you mean '--role'?"),
    (["audit", "list", "--limit"], "--limit stands there without a value."),
    (["whoami", "-o"], "-o stands there without a value."),
    (["audit", "list", "--limit", "many"], "--limit is not a whole number: 'many'."),
    (["audit", "list", "--limit", "0"], "--limit can't be 0. Ask for 1 or more."),
    (["leases", "list", "--limit", "-1"], "--limit can't be -1. Ask for 1 or more."),
    (["members", "add", "a@example.com", "--role", "king"], "annotator: 'king'."),
    (["whoami", "-o", "jsn"], "-o is none of table, json, yaml, name: 'jsn'. Did you mean 'json'?"),
    (["whoami", "--json=yes!"], "--json takes no value, and has 'yes!'. Write '--json' alone."),
    (["whoami", "--url", "a", "--url", "b"], "--url stands there more than once. Write it once."),
    (["audit", "list", "a", "b"], "'valetkey audit list' has no place for 'a', 'b'."),
]


@pytest.mark.parametrize(("words", "says"), USAGE)
def test_wrong_words_end_with_2_and_say_where_to_look(
    commands: Commands, words: list[str], says: str
) -> None:
    ran = commands.run(*words)
    assert (ran.code, ran.out) == (2, "")
    said = " ".join(ran.said.split())
    assert says in said
    assert "--help'." in said


def test_an_empty_token_file_is_not_the_login_instead(commands: Commands) -> None:
    empty = commands.home / "token"
    empty.write_text("\n")
    ran = commands.run("whoami", "--token-file", str(empty))
    assert ran.code == 3
    assert "is empty" in ran.said


def test_errors_are_json_where_json_is_asked_for(commands: Commands) -> None:
    ran = commands.run("whoami", "--json")
    assert ran.code == 3
    assert ran.json["error"]["code"] == "unauthenticated"
    assert ran.err == ""


def test_json_after_two_dashes_is_another_programs_word(commands: Commands) -> None:
    ran = commands.run("exec", "driver", "--", "tool", "--json")
    assert ran.code == 3
    assert ran.out == ""


def test_a_bug_is_a_sentence_and_no_traceback(
    commands: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("with the word secret-word in it")

    monkeypatch.setattr("valetkey.cli.program.app", broken)
    ran = commands.run("whoami")
    assert ran.code == 1
    assert "ZeroDivisionError" in ran.said
    assert "secret-word" not in ran.said


def test_breaking_off_has_a_code_of_its_own(
    commands: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken_off(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("valetkey.cli.program.app", broken_off)
    assert commands.run("whoami").code == 130


def _kinds(module: object) -> list[type[Exception]]:
    return [
        kind
        for kind in vars(module).values()
        if isinstance(kind, type) and issubclass(kind, Exception)
    ]


@pytest.mark.parametrize("kind", _kinds(client_errors), ids=lambda kind: kind.__name__)
def test_every_error_of_the_client_library_explains_itself(kind: type[Exception]) -> None:
    assert isinstance(kind("what happened"), Explained)


@pytest.mark.parametrize("kind", _kinds(server_errors), ids=lambda kind: kind.__name__)
def test_every_error_of_the_server_explains_itself(kind: type[Exception]) -> None:
    assert isinstance(kind("what happened"), Explained)


CODES = [
    (client_errors.NotFound("x"), Exit.NOT_FOUND),
    (client_errors.Unavailable("x"), Exit.UNAVAILABLE),
    (client_errors.ServerFailed("x"), Exit.FAILED),
    (server_errors.TooLarge("x"), Exit.USAGE),
    (server_errors.InUse("x"), Exit.CONFLICT),
    (server_errors.AuditUnavailable("x"), Exit.UNAVAILABLE),
    (server_errors.ValetkeyError("x"), Exit.FAILED),
    (ValueError("x"), Exit.FAILED),
]


@pytest.mark.parametrize(("error", "code"), CODES, ids=lambda value: type(value).__name__)
def test_an_error_ends_with_the_code_of_its_kind_or_of_the_one_it_derives_from(
    error: Exception, code: Exit
) -> None:
    assert exit_of(error) is code


#: Stands for an installation without these: whoever imports them is told that there are none.
WITHOUT = """
import sys
for name in {names!r}:
    sys.modules[name] = None
from valetkey.cli import main
sys.exit(main({words!r}))
"""
SERVERS = ["litestar", "uvicorn", "sqlalchemy", "alembic", "structlog", "cryptography", "ministack"]


def _without(names: list[str], words: list[str], home: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603  # our own interpreter
        [sys.executable, "-c", WITHOUT.format(names=names, words=words)],
        env=clean_environment(home),
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("words", [["--help"], ["locations", "list", "--help"], ["nope"]])
def test_the_client_alone_needs_none_of_the_servers_libraries(
    tmp_path: Path, words: list[str]
) -> None:
    ran = _without([*SERVERS, "botocore"], words, tmp_path)
    assert ran.returncode == (2 if words == ["nope"] else 0), ran.stderr
    assert "Traceback" not in ran.stderr


MISSING = [
    (["setup", "aws", "plan", "--bucket", "b"], ["botocore"], "pip install 'valetkey[setup]'"),
    (["serve"], SERVERS, "pip install 'valetkey[server]'"),
    (["demo"], ["ministack"], "pip install 'valetkey[embedded]'"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("words", "names", "says"), MISSING)
def test_a_missing_library_is_named_with_what_installs_it(
    tmp_path: Path, words: list[str], names: list[str], says: str
) -> None:
    ran = _without(names, words, tmp_path)
    assert ran.returncode == 2
    assert says in ran.stderr
    assert "Traceback" not in ran.stderr


def test_the_first_page_names_every_command_with_its_line(commands: Commands) -> None:
    ran = commands.run("--help")
    assert ran.code == 0
    for _, mounts in GROUPS:
        for mount in mounts:
            assert f"  {mount.name} " in ran.out
            assert mount.help in ran.out
    assert max(len(line) for line in ran.out.splitlines()) <= 80
    assert commands.run().out == ran.out
