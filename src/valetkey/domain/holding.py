"""How long anything may be held by a lease whose end is a moment of somebody's wall clock."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

#: No lease of work, of a shard or of an object ends later than this from now. One that seems to was
#: taken before a clock was set back, or by one that is far ahead: it holds nothing, or whoever was
#: killed would hold it until the clocks are there. Whoever is alive notices at its next step.
LONGEST: Final = timedelta(minutes=10)
LONGEST_MS: Final = int(LONGEST.total_seconds() * 1000)
