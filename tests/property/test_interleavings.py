"""Two verbs at once come to what one after the other would come to, in one order or the other."""

from __future__ import annotations

from typing import Final

import pytest

from support.rival_verbs import ALL, in_memory, one_after_the_other

#: One begins, the other does all of its work, the first goes on: after a first look, or a second.
ORDERS: Final = [one * times + other * 20 for one, other in ("AB", "BA") for times in (1, 2)]


@pytest.mark.parametrize("one", ALL)
async def test_two_verbs_at_once_come_to_what_one_after_the_other_would(one: str) -> None:
    names = list(ALL)
    for other in names[names.index(one) :]:
        serial = await one_after_the_other(one, other)
        for order in ORDERS:
            outcome = await in_memory(one, other, order)
            outcome.must_be_one_of(serial, f"{one} beside {other}, {order}")
