"""What a running set-up tells whoever watches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class Phase(StrEnum):
    """Where a step is."""

    STARTED = "started"
    WAITING = "waiting"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class StepEvent:
    """One thing to show. ``step`` is a stable word (a StepName, ``prove``, ``register``, or an
    object's kind in a teardown), ``text`` a sentence, ``verdict`` what the plan said of the step;
    ``seconds`` is how long a wait will last."""

    step: str
    phase: Phase
    text: str
    verdict: str = ""
    seconds: float = 0.0


Progress = Callable[[StepEvent], None]


def ignore(event: StepEvent) -> None:
    """Show nothing."""
    del event


def waits(step: str, progress: Progress) -> Callable[[str, float], None]:
    """Return what tells the progress of a step that waits: why, and for how many seconds."""

    def on_wait(why: str, seconds: float) -> None:
        progress(StepEvent(step, Phase.WAITING, why, seconds=seconds))

    return on_wait
