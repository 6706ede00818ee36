"""The ordered merge: only differences come out, and no writer's work is undone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from valetkey.catalog.domain.merge import IndexChanges, Indexed, ascending, merge
from valetkey.domain.ports.objects import Listed

NOW = 1_000_000


def listed(path: str, size: int = 1) -> Listed:
    return Listed(path, size, f"etag-{size}", 5)


def indexed(path: str, size: int = 1, *, deleted: bool = False, touched: int = 0) -> Indexed:
    return Indexed(path, size, f"etag-{size}", 5, deleted, touched)


def test_an_unchanged_stretch_gives_nothing_to_write() -> None:
    changes = merge([listed("a"), listed("b")], [indexed("a"), indexed("b")], listed_ms=NOW)
    assert changes.none
    assert changes.unchanged == 2


def test_new_changed_and_gone_objects_are_told_apart() -> None:
    changes = merge(
        [listed("a"), listed("c", 9), listed("d")],
        [indexed("b"), indexed("c", 1), indexed("d")],
        listed_ms=NOW,
    )
    assert changes == IndexChanges(
        added=[listed("a")], changed=[listed("c", 9)], removed=["b"], unchanged=1
    )


def test_an_object_that_comes_back_is_told_apart_from_one_that_is_new() -> None:
    changes = merge([listed("a")], [indexed("a", deleted=True)], listed_ms=NOW)
    assert changes == IndexChanges(revived=[listed("a")])


def test_a_tombstone_without_object_stays_as_it_is() -> None:
    assert merge([], [indexed("a", deleted=True)], listed_ms=NOW).none


@pytest.mark.parametrize(
    ("there", "row"),
    [
        ([], indexed("a", touched=NOW)),  # uploaded after the listing was asked for
        ([listed("a", 1)], indexed("a", 2, touched=NOW)),  # overwritten after it
        ([listed("a")], indexed("a", deleted=True, touched=NOW + 1)),  # deleted after it
    ],
)
def test_what_was_written_since_the_listing_was_asked_for_is_left_alone(
    there: list[Listed], row: Indexed
) -> None:
    assert merge(there, [row], listed_ms=NOW).none


@given(
    before=st.dictionaries(st.text(max_size=4), st.integers(0, 3), max_size=12),
    after=st.dictionaries(st.text(max_size=4), st.integers(0, 3), max_size=12),
)
def test_applying_the_changes_makes_the_index_the_listing(
    before: dict[str, int], after: dict[str, int]
) -> None:
    changes = merge(
        [listed(path, after[path]) for path in sorted(after)],
        [indexed(path, before[path]) for path in sorted(before)],
        listed_ms=NOW,
    )
    result = {path: size for path, size in before.items() if path not in changes.removed}
    result |= {one.path: one.size for one in [*changes.added, *changes.revived, *changes.changed]}
    assert result == after
    assert changes.unchanged == sum(before.get(path) == size for path, size in after.items())


@given(st.lists(st.text(max_size=3)))
def test_python_orders_text_as_utf_8_bytes_do(paths: list[str]) -> None:
    keep = [path for path in paths if path.isprintable()]
    assert sorted(keep) == sorted(keep, key=str.encode)


def test_a_store_that_lists_out_of_order_is_noticed() -> None:
    assert ascending("", ["a", "a/b", "b"])
    assert ascending("z", [])
    assert not ascending("", ["b", "a"])
    assert not ascending("a", ["a"])


def test_an_object_that_went_to_an_archive_has_changed_though_nothing_else_of_it_did() -> None:
    cold = listed("a")._replace(storage_class="GLACIER")
    assert merge([cold], [indexed("a")], listed_ms=NOW).changed == [cold]
    row = indexed("a")._replace(storage_class="GLACIER")
    assert merge([cold], [row], listed_ms=NOW).none
    assert merge([listed("a")], [row], listed_ms=NOW).changed == [listed("a")]
