"""What a benchmark returns."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured value, and what it was measured beside."""

    name: str
    value: float
    unit: str
    yardstick: str = ""

    def as_json(self) -> dict[str, Any]:
        return asdict(self)
