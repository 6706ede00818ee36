"""docs/reference/stores.md: what was seen, store by store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

from judges.journey import FEATURES

_HEAD: Final = """\
# Stores
What Valetkey does over S3 stores other than AWS, found by doing it: `make stores` builds or starts
each store on loopback, takes the whole journey over it, and writes this page. Valetkey knows the
store by its settings alone (`s3_endpoint`, `sts_endpoint`, `iam_endpoint`).

**yes**: done, and looked at in the store afterwards. **no**: tried, and it does not work. **-**:
the store has no such thing.
"""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a feature, and what is to be said of it."""

    mark: Literal["yes", "no", "-"]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Column:
    """One store's outcomes, in the features' order."""

    name: str
    version: str
    about: str
    outcomes: tuple[Outcome, ...]


def page(columns: Sequence[Column], today: date) -> str:
    """Return the page."""
    lines = [_HEAD, f"Last tried on {today.isoformat()}.", ""]
    lines.append("| | " + " | ".join(f"{each.name} {each.version}" for each in columns) + " |")
    lines.append("|---" * (len(columns) + 1) + "|")
    notes: list[str] = []
    for index, (text, _) in enumerate(FEATURES):
        cells = [_cell(column.outcomes[index], column, text, notes) for column in columns]
        lines.append(f"| {text} | {' | '.join(cells)} |")
    lines += ["", "## The stores"]
    lines += [f"- **{each.name}**: {each.about}." for each in columns]
    if notes:
        lines += ["", "## Notes", *notes]
    return "\n".join(lines) + "\n"


def _cell(outcome: Outcome, column: Column, text: str, notes: list[str]) -> str:
    if not outcome.note:
        return outcome.mark
    note = outcome.note.replace("|", "\\|").replace("<", "&lt;")
    notes.append(f"{len(notes) + 1}. {column.name}, {text}: {note}")
    return f"{outcome.mark} ({len(notes)})"


def marks(text: str) -> dict[tuple[str, str], str]:
    """Return a page's marks by store (without its version) and feature."""
    rows = [
        [cell.strip() for cell in line.strip("|").split(" | ")]
        for line in text.splitlines()
        if line.startswith("| ")
    ]
    if not rows:
        return {}
    stores = [name.rpartition(" ")[0] for name in rows[0][1:]]
    return {
        (store, row[0]): cell.partition(" ")[0]
        for row in rows[1:]
        for store, cell in zip(stores, row[1:], strict=True)
    }
