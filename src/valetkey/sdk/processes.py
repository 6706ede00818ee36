"""Other processes: what is held over a fork, and what travels in a pickle.

A forked child (a PyTorch worker) must not share its parent's connections, nor wait for a lock that
one of the parent's threads held. Whatever has such things registers here, and is told in the child.
"""

from __future__ import annotations

import os
from typing import Protocol
from weakref import WeakSet


class Forkable(Protocol):
    """Something that has to begin anew in a forked child."""

    def after_fork(self) -> None:
        """Begin anew."""


_registered: WeakSet[Forkable] = WeakSet()


def begins_anew(thing: Forkable) -> None:
    """Have a thing told, in the child, that it was forked. It is not kept alive by this."""
    _registered.add(thing)


def _in_the_child() -> None:
    for thing in list(_registered):
        thing.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_the_child)
