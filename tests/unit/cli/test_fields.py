"""A body's plain properties are a command's options, with the API's own sentences."""

from __future__ import annotations

from typing import Annotated

import msgspec
from cyclopts import App

from valetkey.cli.fields import Fields
from valetkey.wire.base import says


class NewKite(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    tail: Annotated[str | None, says("How long its tail is.")] = None
    is_red: Annotated[bool, says("Paint it red.")] = False


class KiteChange(msgspec.Struct, frozen=True, kw_only=True):
    tail: Annotated[str | msgspec.UnsetType | None, says("Another tail; null: none.")] = (
        msgspec.UNSET
    )
    is_red: Annotated[bool | msgspec.UnsetType, says("Paint it red.")] = msgspec.UNSET


class New(Fields, body=NewKite, but={"name"}):
    """The options of a new kite."""


class Change(Fields, body=KiteChange, but=()):
    """The options of a changed kite."""


app = App(result_action="return_value")


@app.command
def make(name: str, /, *, plain: New = New()) -> dict[str, object]:  # noqa: B008
    return {"name": name, **plain.given()}


@app.command
def change(*, plain: Change = Change()) -> dict[str, object]:  # noqa: B008
    return plain.given()


def test_what_is_given_is_what_the_client_sends() -> None:
    assert app(["make", "a"]) == {"name": "a", "is_red": False}
    assert app(["make", "a", "--tail", "long", "--is-red"]) == {
        "name": "a",
        "tail": "long",
        "is_red": True,
    }


def test_what_a_change_leaves_out_stays_and_an_empty_text_takes_away() -> None:
    assert app(["change"]) == {}
    assert app(["change", "--tail", "", "--no-is-red"]) == {"tail": None, "is_red": False}


def test_the_sentences_are_those_of_the_api() -> None:
    page = app.generate_docs()
    assert "`--tail STR`: How long its tail is." in page
    assert "Another tail; empty: none." in page
    assert "--no-is-red" in page.split("change", 1)[1]
