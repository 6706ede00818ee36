"""Which entries a command means."""

from __future__ import annotations

import pytest

from valetkey.cli.contents import Matching
from valetkey.sdk.errors import InvalidRequest


def test_what_it_says_may_be_given_is_what_is_taken() -> None:
    with pytest.raises(InvalidRequest) as refused:
        _ = Matching(having="rain").words
    example = str(refused.value.hint).removeprefix("Such as '").removesuffix("'.")
    assert Matching(having=example).words["having"] == {"user.weather": "rain"}


def test_nothing_given_means_nothing_in_particular() -> None:
    assert set(Matching().words.values()) == {None}
