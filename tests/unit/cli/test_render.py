"""The one renderer, and the words that commands take."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]
from hypothesis import given
from hypothesis import strategies as st

from valetkey.cli import show
from valetkey.cli.common import Common
from valetkey.cli.durations import parse_moment, parse_span
from valetkey.cli.render import handles, name_of, one, pairs, text_of, yaml_lines
from valetkey.sdk.errors import InvalidRequest
from valetkey.wire.base import Creator, Person
from valetkey.wire.integrations import Integration
from valetkey.wire.reports import Report
from valetkey.wire.tokens import TokenLimits

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
TEXTS = st.text(st.characters(codec="utf-8"))
SCALARS = st.none() | st.booleans() | st.integers() | TEXTS
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner), max_leaves=20
)


@given(JSON)
def test_what_is_printed_as_yaml_is_read_as_the_same(value: Any) -> None:
    assert yaml.safe_load("\n".join(yaml_lines(json.loads(json.dumps(value))))) == value


@pytest.mark.parametrize(
    "text", ["yes", "null", "1e3", "2026-01-31", "- a", "a: b", "", " a", "0x1"]
)
def test_a_text_that_yaml_would_take_for_something_else_stays_a_text(text: str) -> None:
    assert yaml.safe_load("\n".join(yaml_lines({"it": text}))) == {"it": text}


def test_values_are_told_in_words() -> None:
    assert text_of(None) == ""
    assert (text_of(True), text_of(["list", "read"])) == ("yes", "list, read")
    assert text_of(["", "a/"]) == '"", a/'
    assert text_of(Person(id="1", email="ada@example.com")) == "ada@example.com"
    assert text_of(TokenLimits(access=["read"], prefixes=["a/"])) == "prefixes a/; access read"
    assert dict(pairs(Person(id="1"))) == {"id": "1", "email": ""}
    assert name_of(Person(id="1")) == "1"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("900", 900), ("15m", 900), ("1h30m", 5400), ("30d", 2_592_000), (" 2W ", 1_209_600)],
)
def test_spans_are_written_alike_everywhere(text: str, seconds: int) -> None:
    assert parse_span(text, "--ttl") == seconds


@pytest.mark.parametrize(
    "text", ["", "soon", "1.5h", "-1h", "h", "1 h", "1h30", "9" * 30, "٣h", "999999999w"]
)
def test_what_is_no_span_is_said(text: str) -> None:
    with pytest.raises(InvalidRequest, match=r"--ttl .* is no length of time"):
        parse_span(text, "--ttl")


def test_a_moment_is_a_date_a_time_or_a_span_from_now() -> None:
    assert parse_moment("2026-03-01", "--ends") == datetime(2026, 3, 1, tzinfo=UTC)
    assert parse_moment("2026-03-01T12:00:00Z", "--ends").hour == 12
    assert parse_moment("30d", "--ends", NOW) == NOW + timedelta(days=30)
    with pytest.raises(InvalidRequest, match="--ends 'later' is no moment"):
        parse_moment("later", "--ends")


class _Terminal:
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("typed", "goes_on"), [("yes", True), ("y", False), ("", False)])
def test_deleting_asks_on_a_terminal(
    monkeypatch: pytest.MonkeyPatch, typed: str, goes_on: bool
) -> None:
    monkeypatch.setattr("sys.stdin", _Terminal())
    monkeypatch.setattr("builtins.input", lambda *_: typed)
    if goes_on:
        show.confirm("Forget it?", yes=False)
    else:
        with pytest.raises(InvalidRequest, match="Nothing was changed"):
            show.confirm("Forget it?", yes=False)
        show.confirm("Forget it?", yes=True)


def test_an_id_is_called_by_what_it_names_and_an_external_id_by_its_name() -> None:
    found = Integration(
        id="i",
        org_id="o",
        name="aws",
        type="aws-cross",
        state="created",
        creator=Creator(email="ada@example.com"),
        created_at=NOW,
        updated_at=NOW,
        version=1,
        external_id="valetkey-x",
    )
    assert {"org": "o", "external id": "valetkey-x"}.items() <= dict(pairs(found)).items()


def test_a_name_that_would_mean_another_thing_is_replaced_by_the_id() -> None:
    ids = [f"{number:024x}" for number in range(5)]
    names = ["images", "twice", "twice", "--help", ids[0]]
    pairs_of = zip(ids, names, strict=True)
    people = [Person(id=each, email=name) for each, name in pairs_of]
    assert handles(people) == ["images", *ids[1:]]


def test_what_has_no_name_prints_no_empty_line(capsys: pytest.CaptureFixture[str]) -> None:
    client: Any = SimpleNamespace(common=Common(output="name"), raw=lambda _: b"{}")
    one(client, Report(subject="x:1", passed=True, conclusive=True, checks=[]))
    assert capsys.readouterr().out == ""
