"""Datasets and items: paths, metadata, identifiers of folders."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from valetkey.catalog.domain.dataset import (
    Item,
    check_metadata,
    folder_id,
    folder_of,
    is_indexable,
    mimetype_of,
    parse_folder,
    parse_path,
    patched_metadata,
)
from valetkey.catalog.domain.dql import Column
from valetkey.domain.errors import InvalidInput
from valetkey.domain.ports.objects import to_ms

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def item(path: str) -> Item:
    return Item("1" * 24, "2" * 24, path, 3, "e", "image/png", "a@b", NOW, NOW, NOW)


@pytest.mark.parametrize(
    ("path", "filename", "directory", "name", "kind"),
    [
        ("a.png", "/a.png", "/", "a.png", "file"),
        ("x/y/a.png", "/x/y/a.png", "/x/y", "a.png", "file"),
        ("x/y/", "/x/y", "/x", "y", "dir"),
    ],
)
def test_an_item_shows_its_place(
    path: str, filename: str, directory: str, name: str, kind: str
) -> None:
    columns = item(path).columns()
    assert columns[Column.FILENAME] == filename
    assert columns[Column.DIR] == directory
    assert columns[Column.NAME] == name
    assert columns[Column.TYPE] == kind
    assert columns[Column.CREATED_AT] == to_ms(NOW) == 1_767_312_000_000


@pytest.mark.parametrize(
    "text", ["", "/", "//a", "a//b", "a/", "./a", "a/../b", "a\n", "\ud800", "é" * 600]
)
def test_a_path_that_tools_read_differently_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse_path(text)


def test_paths_and_folders_have_one_form() -> None:
    assert parse_path("/a/b c#?*.jpg") == "a/b c#?*.jpg"
    assert parse_folder("/a/b") == parse_folder("a/b/") == "a/b/"
    assert [folder_of(path) for path in ("a", "x/a", "x/y/", "x/")] == ["", "x/", "x/", ""]


def test_markers_and_probes_are_no_items() -> None:
    assert is_indexable("a//b")
    assert not any(map(is_indexable, ["", "a/", ".valetkey-probe-1", "x/.valetkey-probe-1", "\0"]))


def test_a_folder_has_the_same_id_every_time() -> None:
    assert folder_id("d", "a/") == folder_id("d", "a/")
    assert len(folder_id("d", "a/")) == 24
    assert folder_id("d", "a/") != folder_id("e", "a/")


def test_media_types_follow_the_ending() -> None:
    assert mimetype_of("a/b.JPG") == "image/jpeg"
    assert mimetype_of("a.b/c") == mimetype_of("x.unheard") == "application/octet-stream"


def test_a_patch_merges_and_null_removes() -> None:
    old: dict[str, Any] = {"user": {"a": 1, "b": {"c": 2}}, "system": {"kept": 1}}
    patch = {"user": {"a": None, "b": {"d": 3}}, "system": {"kept": 9, "size": 0}}
    assert patched_metadata(old, patch, system=False) == {
        "user": {"b": {"c": 2, "d": 3}},
        "system": {"kept": 1},
    }
    assert patched_metadata(old, patch, system=True)["system"] == {"kept": 9}


@pytest.mark.parametrize(
    "document",
    [[], "x", {"a": 2**63}, {"a": float("inf")}, {"a": "\0"}, {"\0": 1}, {"a": ["\ud800"]}],
)
def test_metadata_that_a_database_would_change_is_refused(document: object) -> None:
    with pytest.raises(InvalidInput):
        check_metadata(document)


@pytest.mark.parametrize("name", ["/a/%2E%2E/b", "/%2F/lead.txt", "a/%2E"])
def test_an_escaped_name_of_a_dangerous_key_is_no_way_to_make_one(name: str) -> None:
    with pytest.raises(InvalidInput):
        parse_path(name)


def test_a_name_that_was_shown_leads_to_its_key() -> None:
    assert parse_path("/a/%252E%252E/b") == "a/%2E%2E/b"
    assert parse_path("/50%25.txt") == "50%25.txt"
