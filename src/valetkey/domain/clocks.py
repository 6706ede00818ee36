"""When this machine's clock and the database's tell too different times."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from valetkey.counting import counted
from valetkey.domain.errors import ClockOff

#: AWS refuses what is signed by a clock that is further off, in seconds; and rights that end would
#: last for as long.
DIFFER: Final = 300.0


#: What to do about it.
FIX: Final = "Set it, and have NTP keep it."


def require_same(now: datetime, there: datetime) -> None:
    """Raise ClockOff where our clock and the database's differ."""
    if told := difference(now, there):
        raise ClockOff(told, hint=f"{FIX} Until then nothing is begun here.")


def difference(now: datetime, there: datetime) -> str:
    """Say by how much our clock and the database's differ; empty if they agree."""
    seconds = (now - there).total_seconds()
    if abs(seconds) <= DIFFER:
        return ""
    way = "ahead of" if seconds > 0 else "behind"
    by = counted(int(abs(seconds) // 60), "minute")
    return f"This machine's clock is {by} {way} the database's."
