"""Names that people give: trimmed, in one form, without tricks."""

import pytest

from valetkey.domain.errors import InvalidInput
from valetkey.domain.names import MAX_NAME, clean_name


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("  s3 prod \n", "s3 prod"),
        ("e\u0301", "\u00e9"),
        ("日本 (β) #1", "日本 (β) #1"),
        ("x" * 100,) * 2,
    ],
)
def test_a_name_is_trimmed_and_normalised(given: str, kept: str) -> None:
    assert clean_name(given) == kept


@pytest.mark.parametrize(
    "given",
    [
        "",
        "   ",
        "x" * (MAX_NAME + 1),
        "a\x00b",
        "a\nb",
        "a\u202eb",
        "\ud800",
        "a\u2028b",
        "a\u200bb",
    ],
)
def test_an_unusable_name_is_refused_and_the_field_named(given: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        clean_name(given, field="title")
    assert caught.value.details["field"] == "title"
    assert caught.value.hint
