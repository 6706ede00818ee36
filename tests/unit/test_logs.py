"""Logs: JSON or for people, and without what looks like a secret."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from valetkey import logs

TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"


class Log:
    """What was written to standard error so far."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self._text = ""

    def getvalue(self) -> str:
        self._text += self._capsys.readouterr().err
        return self._text


@pytest.fixture
def stream(capsys: pytest.CaptureFixture[str]) -> Iterator[Log]:
    """Where the logs go; afterwards they go where they went before."""
    root, before = logging.getLogger(), structlog.get_config()
    handlers, level = list(root.handlers), root.level
    yield Log(capsys)
    root.handlers[:], root.level = handlers, level
    structlog.configure(**before)


def test_each_line_is_json_with_its_time_and_level(stream: Log) -> None:
    logs.configure(style="json")
    structlog.get_logger("here").info("something", count=1)
    line = json.loads(stream.getvalue())
    assert (line["event"], line["level"], line["count"]) == ("something", "info", 1)
    assert line["timestamp"].endswith("Z")


def test_other_libraries_log_in_the_same_form(stream: Log) -> None:
    logs.configure(style="json")
    logging.getLogger("a.library").warning("its %s", "words")
    assert json.loads(stream.getvalue())["event"] == "its words"


def test_off_a_terminal_it_is_json_unless_told_otherwise(stream: Log) -> None:
    logs.configure()
    structlog.get_logger("here").info("something")
    assert json.loads(stream.getvalue())["event"] == "something"
    logs.configure(style="human")
    structlog.get_logger("here").info("else", count=1)
    assert "count=1" in stream.getvalue().splitlines()[-1]


def test_what_is_below_the_level_is_not_written(stream: Log) -> None:
    logs.configure(style="json", level="error")
    structlog.get_logger("here").warning("not this")
    assert stream.getvalue() == ""


def test_an_error_is_logged_without_the_locals_of_its_frames(stream: Log) -> None:
    logs.configure(style="json")

    def broken(hidden: str) -> None:
        int(hidden[:0])

    try:
        broken("-".join(("a", "local", "value")))
    except ValueError as error:
        structlog.get_logger("here").error("broken", exc_info=error)
    assert "ValueError" in stream.getvalue()
    assert "a-local-value" not in stream.getvalue()


MASKED = [
    f"Authorization: Bearer {TOKEN}",
    "password=correct-horse-battery",
    'secret_access_key: "wJalrXUtnFEMI/K7MDENG"',
    "https://s3/x?X-Amz-Signature=0123456789abcdef",
]


@pytest.mark.parametrize("text", MASKED)
def test_what_looks_like_a_secret_is_masked(stream: Log, text: str) -> None:
    logs.configure(style="json")
    structlog.get_logger("here").info("event", value=text)
    logging.getLogger("a.library").warning(text)
    assert "********" in stream.getvalue()
    for hidden in (TOKEN, "correct-horse", "wJalr", "0123456789abcdef"):
        assert hidden not in stream.getvalue()


def test_plain_words_are_left_alone() -> None:
    assert logs.mask("the token is wrong, ask again") == "the token is wrong, ask again"
