"""Any key is shown under a name of its own, below whatever folder a client joins it to."""

from __future__ import annotations

import ntpath
import posixpath

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from valetkey.catalog.domain.filenames import count_dangerous, escape, unescape

#: Letters of which dangerous keys, and escaped ones, are made.
LETTERS = "./\\ %25EFCa:"
KEYS = st.one_of(
    st.text(LETTERS, min_size=1, max_size=12),
    st.lists(
        st.sampled_from(
            ["", ".", "..", "a", "%2F", "%2E", "%2E%2E", "%252E", "%25252F", "C:", "..\\", "%5C"]
        ),
        min_size=1,
        max_size=5,
    ).map("/".join),
    st.text(min_size=1),
).filter(lambda key: key and not key.endswith("/"))


@pytest.mark.slow
@settings(max_examples=1000)
@given(KEYS)
def test_a_name_leads_back_to_its_key(key: str) -> None:
    assert unescape(escape(key)) == key


@pytest.mark.slow
@settings(max_examples=1000)
@given(KEYS)
def test_a_name_stays_below_the_folder_that_it_is_joined_to(key: str) -> None:
    name = escape(key)
    for path, folder in ((posixpath, "/home/ada/out"), (ntpath, "C:\\out")):
        joined = path.join(folder, "items", name)
        resolved = path.normpath(joined)
        assert resolved.startswith(path.join(folder, "items") + path.sep)


@pytest.mark.slow
@settings(max_examples=500)
@given(KEYS, KEYS)
def test_folders_of_names_are_the_names_of_folders(folder: str, name: str) -> None:
    assert escape(f"{folder}/{name}") == f"{escape(folder)}/{escape(name)}"
    assert escape(f"{folder}/") == f"{escape(folder)}/"
    assert unescape(escape(f"{folder}/")) == f"{folder}/"


@pytest.mark.slow
@settings(max_examples=500)
@given(st.lists(KEYS, max_size=6))
def test_the_keys_that_lead_elsewhere_are_counted(keys: list[str]) -> None:
    assert count_dangerous(keys) == sum(count_dangerous([key]) for key in keys)
    for key in keys:
        if escape(key) == key:
            assert count_dangerous([key]) == 0


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("/lead.txt", "%2F/lead.txt"),
        ("a//b.txt", "a/%2F/b.txt"),
        ("a/../b.txt", "a/%2E%2E/b.txt"),
        ("./b.txt", "%2E/b.txt"),
        ("a\\..\\b.txt", "a%5C..%5Cb.txt"),
        ("C:x.txt", "C%3Ax.txt"),
        ("a/%2E%2E/b", "a/%252E%252E/b"),
        ("..", "%2E%2E"),
    ],
)
def test_what_leads_elsewhere_is_escaped(key: str, name: str) -> None:
    assert escape(key) == name


@pytest.mark.parametrize(
    "key", ["a/b.jpg", ".hidden", "a/...b", "50%.txt", "a%20b", "12:30.txt", "a\\b.txt", "a/é.txt"]
)
def test_what_does_not_is_shown_as_it_is(key: str) -> None:
    assert escape(key) == key
    assert count_dangerous([key]) == 0
