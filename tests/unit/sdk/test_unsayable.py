"""What JSON or an address has no words for is refused before anything is sent, and not changed."""

from __future__ import annotations

import math
from typing import Any

import pytest

from valetkey.sdk.errors import InvalidRequest
from valetkey.sdk.sending import call
from valetkey.sdk.transport import request_parts
from valetkey.wire import catalog, groups, objects

_HALF = "a\ud800b"
_ID = "0198c0de0000700080000001"


def _send(asked: Any) -> Any:
    return request_parts(asked, "http://127.0.0.1:1", lambda: "token")


@pytest.mark.parametrize(
    "asked",
    [
        call(groups.CREATE_GROUP, {"orgId": _ID}, body=groups.NewGroup(name=_HALF)),
        call(objects.LIST_OBJECTS, {"datasetId": _ID}, query=objects.ObjectsQuery(path=_HALF)),
        call(
            objects.UPDATE_OBJECT,
            {"objectId": _ID},
            body=objects.ObjectChange(metadata={"user": {_HALF: 1}}),
        ),
    ],
    ids=["body", "address", "key"],
)
def test_half_a_character_is_refused_in_words(asked: Any) -> None:
    with pytest.raises(InvalidRequest, match="half a character"):
        _send(asked)


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_a_number_that_is_none_is_not_sent_as_null_which_takes_away(number: float) -> None:
    for metadata in ({"score": number}, {"user": {"scores": [1.0, number]}}):
        change = objects.ObjectChange(metadata=metadata)
        with pytest.raises(InvalidRequest, match="nan"):
            _send(call(objects.UPDATE_OBJECT, {"objectId": _ID}, body=change))


def test_null_takes_away_as_before() -> None:
    change = catalog.DatasetChange(metadata=None)
    parts = _send(call(catalog.UPDATE_DATASET, {"datasetId": _ID}, body=change))
    assert parts["content"] == b'{"metadata":null}'
