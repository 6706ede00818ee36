"""A request as data: both clients send the same ones, so that there is one description of each."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeVar

T = TypeVar("T")
_SAFE: Final = frozenset({"GET", "HEAD", "DELETE"})


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """A request. ``result`` is what the answer's JSON is read as; ``None``: there is none.

    ``body`` may hold secrets, so it is left out of ``repr``.
    """

    method: str
    path: str
    result: Any = None
    body: Any = field(default=None, repr=False)
    query: Mapping[str, Any] = field(default_factory=dict)
    again: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)
    #: Whether a token is shown: who logs in has none.
    is_public: bool = False
    #: Bytes that are sent as they are, or what yields them; of which kind is in the headers.
    content: Any = field(default=None, repr=False)
    #: Whether an answer that leads elsewhere is followed; the token is not shown there.
    follows: bool = False
    #: Whether the result comes with its ETag, as a pair.
    with_etag: bool = False

    @property
    def repeatable(self) -> bool:
        """Tell whether it may be sent again when nobody knows if it arrived."""
        return self.again or self.method in _SAFE


#: Several calls, one after another, each depending on the answers before; yields calls, is sent
#: their answers, returns the result.
Flow = Generator[Call[Any], Any, T]
