"""An operation of the API, declared once: the server answers it, the library sends it, the
command line names it, and the API's description is written from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Generic, Literal, TypeVar

from valetkey.wire.base import Nothing, Query

if TYPE_CHECKING:
    import typing_extensions  # Python has such defaults from 3.13 on

    Q = typing_extensions.TypeVar("Q", bound=Query, default=Nothing)
    B = typing_extensions.TypeVar("B", default=Nothing)
    R = typing_extensions.TypeVar("R", default=Nothing)
else:
    Q, B, R = TypeVar("Q", bound=Query), TypeVar("B"), TypeVar("R")
Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
#: Whose shapes an operation has: ours, or AWS's container credentials contract.
Contract = Literal["own", "container"]
NDJSON: Final = "application/x-ndjson"
#: Bytes of any kind.
CONTENT: Final = "application/octet-stream"


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation(Generic[Q, B, R]):
    """A method on an address. ``id`` is a function's name (``verifyIntegration``); ``path`` names
    its parameters in braces; ``query``, ``body`` and ``result`` are shapes, where it has them.

    ``errors`` are codes of the catalog beyond those that follow from the rest. With ``makes`` it
    makes something and takes an Idempotency-Key; ``secret`` says that its answer holds a secret.
    What ``hashes`` a password costs so much that it ends when the client hangs up, as reading does.
    With ``versioned`` it takes If-Match against the ETag of what GET at its path answers.
    ``lines`` is the shape of a line where NDJSON is asked for, as the library does where the
    operation ``prefers_lines``. With the ``contract``
    of AWS's containers errors have its shape, and the token may stand alone. ``media_types`` are
    further ones of its answer. What ``reads_content`` has bytes of any kind for a body, as many as
    there are; what ``sends_content`` answers with such, or leads to them.
    """

    id: str
    method: Method
    path: str
    tag: str
    summary: str
    query: type[Q] = Nothing  # type: ignore[assignment]  # the default of Q, and so on
    body: type[B] = Nothing  # type: ignore[assignment]
    result: type[R] = Nothing  # type: ignore[assignment]
    status: int = 200
    description: str = ""
    errors: tuple[str, ...] = ()
    makes: bool = False
    secret: bool = False
    hashes: bool = False
    versioned: bool = False
    public: bool = False
    needs_body: bool = True
    lines: type | None = None
    prefers_lines: bool = False
    contract: Contract = "own"
    media_types: tuple[str, ...] = ()
    reads_content: bool = False
    sends_content: bool = False

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names in the path's braces, in order."""
        return tuple(part[1:-1] for part in self.path.split("/") if part.startswith("{"))

    @property
    def names(self) -> frozenset[str]:
        """The parameters of its address and the properties of its body."""
        given = (getattr(each, "__struct_encode_fields__", ()) for each in (self.query, self.body))
        return frozenset(self.parameters).union(*given)

    @property
    def refuses_key(self) -> bool:
        """Tell whether an Idempotency-Key is refused: what would be done again under it is not
        what it promises. The other methods mean the same sent once and twice, as HTTP has it."""
        return self.method == "POST" and not self.makes

    @property
    def has_etag(self) -> bool:
        """Tell whether it shows one thing, whose ETag goes into If-Match and If-None-Match."""
        fields = getattr(self.result, "__struct_fields__", ())
        return "id" in fields or getattr(self.result, "tagged", False)

    @property
    def has_body(self) -> bool:
        """Tell whether it reads a body."""
        return self.body is not Nothing

    @property
    def has_result(self) -> bool:
        """Tell whether it answers with a body."""
        return self.result is not Nothing
