"""The folders of a bucket that a credential opens, and what lies above them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Folders:
    """Prefixes in a bucket, each ``""`` (the whole bucket) or with a ``/`` at its end.

    A key below is a path in the bucket, with or without a ``/`` at its end; ``""`` is the bucket.
    """

    prefixes: Sequence[str]

    def hold(self, key: str) -> bool:
        """Tell whether an object of this key may be opened."""
        return any(key.startswith(prefix) for prefix in self.prefixes)

    def are(self, key: str) -> bool:
        """Tell whether a key is one of the folders, but not the bucket."""
        return bool(key) and _folder(key) in self.prefixes

    def are_below(self, key: str) -> bool:
        """Tell whether a folder can't be listed, but leads to ones that can."""
        folder = _folder(key)
        return not self.hold(folder) and any(prefix.startswith(folder) for prefix in self.prefixes)

    def next_below(self, key: str) -> list[str]:
        """Return the names of the folders right below one that leads to the open ones, in order."""
        folder = _folder(key)
        return sorted(
            {
                prefix[len(folder) :].partition("/")[0]
                for prefix in self.prefixes
                if prefix.startswith(folder)
            }
        )

    def searched(self, stem: str) -> list[tuple[str, str]]:
        """Return what to list to find all keys that begin with ``stem``: folders, and how the names
        in each begin."""
        return [
            (prefix, stem[len(prefix) :])
            for prefix in self.prefixes
            if prefix.startswith(stem) or stem.startswith(prefix)
        ]


def _folder(key: str) -> str:
    return f"{key.rstrip('/')}/" if key else ""
