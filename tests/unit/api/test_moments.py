"""Times in addresses."""

from __future__ import annotations

import pytest

from valetkey.api.routes.audit import _moment
from valetkey.domain.errors import InvalidInput


@pytest.mark.parametrize(
    "text",
    [
        "9999-12-31T23:59:59-23:59",
        "0001-01-01T00:00:00+23:59",
        "2026-01-01T00:00:00",
        "2026-13-01T00:00:00Z",
        "\0",
    ],
)
def test_a_time_that_utc_does_not_have_is_refused_as_one_that_is_none(text: str) -> None:
    with pytest.raises(InvalidInput, match="not a time"):
        _moment(text, "since")
