"""Where secrets come from."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from valetkey.cli.secrets import read_secret
from valetkey.sdk.errors import InvalidRequest

CONTENTS = [("word", "word"), ("word\n", "word"), ("word\r\n", "word"), (" word \n\n", " word \n")]


@pytest.mark.parametrize(("content", "secret"), CONTENTS)
def test_one_newline_at_the_end_of_a_file_is_the_editors(
    tmp_path: Path, content: str, secret: str
) -> None:
    file = tmp_path / "secret"
    file.write_bytes(content.encode())
    assert read_secret(file, "secret", "--secret-file") == secret


def test_a_dash_is_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("word\n"))
    assert read_secret(Path("-"), "secret", "--secret-file") == "word"


def test_without_a_terminal_it_says_how_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("word\n"))
    with pytest.raises(InvalidRequest, match="--secret-file"):
        read_secret(None, "secret", "--secret-file")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_new_password_is_asked_for_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", Terminal())
    typed = iter(["one word", "another"])
    monkeypatch.setattr("getpass.getpass", lambda _: next(typed))
    with pytest.raises(InvalidRequest, match="not the same"):
        read_secret(None, "password", "--password-file", again=True)


def test_it_is_asked_for_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", Terminal())
    prompts: list[str] = []

    def ask(prompt: str) -> str:
        prompts.append(prompt)
        return "word"

    monkeypatch.setattr("getpass.getpass", ask)
    assert read_secret(None, "secret access key", "--secret-file") == "word"
    assert prompts == ["Secret access key: "]


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00"])
def test_a_file_that_holds_no_secret_is_named(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "secret"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(InvalidRequest) as caught:
        read_secret(file, "secret", "--secret-file")
    assert str(file) in caught.value.message
