"""What the system tells of a process."""

from __future__ import annotations

from pathlib import Path
from typing import Literal


def memory_mb(what: Literal["VmRSS", "VmHWM"], pid: int | Literal["self"] = "self") -> float:
    """Return the memory that a process has in RAM now (VmRSS), or had at its peak (VmHWM).

    The peak is the process's own; ``ru_maxrss`` would be its parent's, if that was larger.
    """
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{what}:"):
            return int(line.split()[1]) / 1024
    raise LookupError(what)
