"""Patterns of policies as AWS reads them."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from valetkey.domain.session_policy import glob_escape
from valetkey.embedded.policy_patterns import compile_pattern, teach_literals


@pytest.mark.parametrize(
    ("pattern", "matching", "other"),
    [
        ("a*", "abc", "ba"),
        ("a?c", "abc", "ac"),
        ("a${*}c", "a*c", "abc"),
        ("a${?}c", "a?c", "abc"),
        ("${$}{*}", "${*}", "*"),
        ("${aws:username}/*", "${aws:username}/x", "ada/x"),
        ("*", "two\nlines", None),
        ("a", "a", "a\n"),
    ],
)
def test_escapes_stand_for_the_letters_themselves(
    pattern: str, matching: str, other: str | None
) -> None:
    assert compile_pattern(pattern, False).match(matching)
    assert other is None or not compile_pattern(pattern, False).match(other)


@given(st.text(max_size=20), st.text(max_size=20))
def test_an_escaped_text_matches_itself_and_nothing_else(text: str, other: str) -> None:
    pattern = compile_pattern(glob_escape(text), False)
    assert pattern.match(text)
    assert bool(pattern.match(other)) == (text == other)


def test_an_evaluator_that_has_changed_is_not_taught_in_silence() -> None:
    with pytest.raises(RuntimeError, match="has no"):
        teach_literals(SimpleNamespace())
