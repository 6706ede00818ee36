"""What a credential may open: a bucket, folders in it, and access levels. Scope is data.

It is rendered to IAM's language in :mod:`valetkey.domain.session_policy` and nowhere else.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from valetkey.counting import counted
from valetkey.domain.errors import InvalidInput

#: An object's key has at most 1,024 bytes of UTF-8 (S3 user guide, "Naming Amazon S3 objects").
MAX_KEY_BYTES: Final = 1024


class AccessLevel(StrEnum):
    """One kind of work on objects."""

    LIST = "list"
    READ = "read"
    WRITE = "write"
    DELETE = "delete"


class Extra(StrEnum):
    """Work that the access levels do not cover, and that Valetkey itself alone asks for."""

    RESTORE = "restore"
    TAGS = "tags"


def parse_levels(names: Iterable[str]) -> frozenset[AccessLevel]:
    """Read access levels from their names.

    Raises :class:`InvalidInput` for an unknown name, and for none at all: absence refuses.
    """
    known = {level.value: level for level in AccessLevel}
    wanted = list(names)
    unknown = sorted({name for name in wanted if name not in known})
    if unknown:
        raise InvalidInput(
            f"Unknown access level {', '.join(map(repr, unknown))}.",
            hint=f"Use one or more of {', '.join(known)}.",
            field="access",
        )
    if not wanted:
        raise InvalidInput(
            "No access level was asked for, and nothing is never everything.",
            hint=f"Name one or more of {', '.join(known)}.",
            field="access",
        )
    return frozenset(known[name] for name in wanted)


def normalize_folder(text: str, *, field: str = "prefix") -> str:
    """Return a folder prefix in its one form: empty (the whole bucket), or ending in ``/``.

    A prefix ``a`` never reaches ``ab/``, because it becomes ``a/``. Letters such as ``*``, ``?``
    and ``$`` are ordinary here; they are escaped where the policy is rendered.

    Raises :class:`InvalidInput` for a leading ``/``, a ``.`` or ``..`` segment, an empty segment,
    control characters, lone surrogates, or more bytes than leave room for an object's name.
    """
    if text == "":
        return ""
    folder = text if text.endswith("/") else text + "/"
    problem = _problem(folder)
    if problem:
        raise InvalidInput(
            f"{text[:200]!r} is not a usable folder: {problem}.",
            hint="Give a folder such as 'train/images/', relative to the bucket, without '..'.",
            field=field,
        )
    return folder


def _problem(folder: str) -> str:
    if folder.startswith("/"):
        return "it starts with '/', and S3 keys don't"
    segments = folder[:-1].split("/")
    if "" in segments:
        return "it has an empty segment ('//')"
    if any(segment in {".", ".."} for segment in segments):
        return "it has a '.' or '..' segment, which clients resolve differently"
    if any(unicodedata.category(letter) in {"Cc", "Cs"} for letter in folder):
        return "it has control characters or broken unicode"
    if len(folder.encode()) >= MAX_KEY_BYTES:
        size = counted(len(folder.encode()), "byte")
        return f"with {size} it leaves no room for an object's name (1,024)"
    return ""


@dataclass(frozen=True, slots=True)
class Scope:
    """A bucket, one or more folder prefixes in it (full keys, normalised) and access levels.

    ``bare`` lets a listing name the folders without their ``/`` too, as some tools do; it shows
    the names of neighbours that start alike. ``versions`` opens old versions of objects as well,
    and ``extras`` what needs rights of its own at AWS.
    An empty scope can't be built: no prefix or no level raises :class:`InvalidInput`, so that
    absence never means the role's whole power.
    """

    bucket: str
    prefixes: tuple[str, ...]
    levels: frozenset[AccessLevel]
    bare: bool = False
    versions: bool = False
    extras: frozenset[Extra] = frozenset()

    def __post_init__(self) -> None:
        if not self.bucket or not self.prefixes or not self.levels:
            raise InvalidInput(
                "The scope is empty, and an empty scope opens nothing.",
                hint="Name a bucket, at least one folder and at least one access level.",
                field="scope",
            )
        folders = (normalize_folder(prefix) for prefix in self.prefixes)
        object.__setattr__(self, "prefixes", _without_covered(folders))

    def contains_key(self, key: str) -> bool:
        """Tell whether an object's key lies in one of the folders."""
        return any(key.startswith(prefix) for prefix in self.prefixes)

    def contains(self, other: Scope) -> bool:
        """Tell whether everything that ``other`` opens is opened by this scope too."""
        return (
            self.bucket == other.bucket
            and self.levels >= other.levels
            and self.versions >= other.versions
            and self.extras >= other.extras
            and all(self.contains_key(name) for name in (*other.prefixes, *other.bare_names))
        )

    @property
    def bare_names(self) -> tuple[str, ...]:
        """The folders without their ``/``, if listings may name them so."""
        return tuple(prefix[:-1] for prefix in self.prefixes if self.bare and prefix)


def _without_covered(folders: Iterable[str]) -> tuple[str, ...]:
    """Sort, and drop each folder that another one already covers."""
    kept: list[str] = []
    for folder in sorted(set(folders)):
        if not (kept and folder.startswith(kept[-1])):
            kept.append(folder)
    return tuple(kept)
