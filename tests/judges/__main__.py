"""``make stores``: the whole journey over real stores; writes docs/reference/stores.md.

Words name the stores to try (default: all). Ends with 1 where something that worked by the page's
last edition does not.
"""

from __future__ import annotations

import sys
import traceback
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from judges.journey import FEATURES, travelling
from judges.page import Column, Outcome, marks, page
from judges.stores import STORES, Opener
from judges.trip import Cannot, Trip
from valetkey import logs

PAGE: Final = Path(__file__).parents[2] / "docs" / "reference" / "stores.md"


def main(words: list[str]) -> int:
    """Try the stores, and write the page if all were tried."""
    logs.configure(level="error")
    names = words or list(STORES)
    columns = [travel(STORES[name]) for name in names]
    before = marks(PAGE.read_text(encoding="utf-8")) if PAGE.exists() else {}
    text = page(columns, datetime.now(UTC).date())
    if names == list(STORES):
        PAGE.write_text(text, encoding="utf-8")
    lost = [
        place for place, mark in marks(text).items() if (before.get(place), mark) == ("yes", "no")
    ]
    for store, feature in lost:
        print(f"{store} did this by the page, and does not now: {feature}")
    return int(bool(lost))


def travel(opener: Opener) -> Column:
    """Take the whole journey over a store."""
    with opener() as store, travelling(store) as trip:
        print(f"{store.name} {store.version}", flush=True)
        outcomes = []
        for text, feature in FEATURES:
            outcome = _tried(feature, trip)
            print(f"  {outcome.mark:3} {text}  {outcome.note}", flush=True)
            outcomes.append(outcome)
        return Column(store.name, store.version, store.about, tuple(outcomes))


def _tried(feature: object, trip: Trip) -> Outcome:
    assert callable(feature)
    try:
        return Outcome("yes", str(feature(trip)))
    except Cannot as cannot:
        return Outcome("-", str(cannot))
    except Exception as error:
        traceback.print_exc()
        return Outcome("no", " ".join(f"{type(error).__name__}: {error}".split())[:300])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
