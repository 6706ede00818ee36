"""What a changed description breaks is found, and must be announced."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from support.described import DOCUMENT as OLD
from valetkey.api.v1.compatibility import breaks, unannounced

SCHEMAS = OLD["components"]["schemas"]


def changed(change: Callable[[dict[str, Any]], object]) -> list[tuple[str, str]]:
    new = copy.deepcopy(OLD)
    change(new)
    return list(breaks(OLD, new))


def test_the_same_breaks_nothing() -> None:
    assert changed(lambda _: None) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda new: new["paths"].pop("/v1/me"), "getMe is gone"),
        (
            lambda new: new["paths"].update({"/v1/myself": new["paths"].pop("/v1/me")}),
            "getMe moved from GET /v1/me to GET /v1/myself",
        ),
        (
            lambda new: new["components"]["schemas"]["Location"]["properties"].pop("bucket"),
            "Location.bucket is gone",
        ),
        (
            lambda new: new["components"]["schemas"]["NewGrant"]["required"].append("reason"),
            "NewGrant.reason must be sent now",
        ),
        (
            lambda new: new["components"]["schemas"]["Location"]["required"].remove("bucket"),
            "Location.bucket may be missing now",
        ),
        (
            lambda new: new["components"]["schemas"]["Grant"]["properties"]["id"].update(
                type="integer"
            ),
            "Grant.id is of another type",
        ),
        (
            lambda new: new["paths"]["/v1/locations"]["get"]["parameters"].pop(0),
            "listLocations does not take limit any more",
        ),
    ],
)
def test_a_break_is_found(change: Callable[[dict[str, Any]], object], said: str) -> None:
    assert said in [text for _, text in changed(change)]


def test_what_is_added_breaks_nothing() -> None:
    def add(new: dict[str, Any]) -> None:
        new["components"]["schemas"]["Location"]["properties"]["color"] = {"type": "string"}
        new["paths"]["/v1/colors"] = {"get": {"operationId": "listColors", "responses": {}}}

    assert changed(add) == []


def test_a_type_that_may_be_sent_besides_breaks_nothing_and_one_that_may_come_back_does() -> None:
    def widen(new: dict[str, Any], schema: str, field: str) -> None:
        properties = new["components"]["schemas"][schema]["properties"]
        properties[field] = {"anyOf": [properties[field], {"type": "null"}]}

    assert changed(lambda new: widen(new, "NewGrant", "maxTtlSeconds")) == []
    text = "Location.bucket is of another type"
    assert [each for _, each in changed(lambda new: widen(new, "Location", "bucket"))] == [text]


def test_a_break_that_the_changelog_announces_is_accepted() -> None:
    found = [("getMe", "getMe is gone"), ("Grant", "Grant.id is gone")]
    said = (
        "## Unreleased\n- **Breaking**: getMe is `/v1/myself`.\n\n## 0.1\n- **Breaking**: Grant\n"
    )
    assert unannounced(iter(found), said) == ["Grant.id is gone"]
