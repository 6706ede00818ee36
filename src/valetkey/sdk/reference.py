"""``python -m valetkey.sdk.reference``: docs/reference/library.md, from the library itself."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable, Iterator
from typing import Any, Final

from msgspec import UNSET

import valetkey
from valetkey.sdk.client import Client
from valetkey.sdk.location import LocationClient
from valetkey.sdk.resources import Resources

_HEAD: Final = """\
# The library
This page is generated: `make reference`. `pip install valetkey` brings the library and the command
line.

- `valetkey.Client()` blocks, `valetkey.AsyncClient()` is awaited; both have the same methods.
  Without arguments they take the server and the token from the environment (`VALETKEY_URL`,
  `VALETKEY_TOKEN_FILE`, `VALETKEY_TOKEN`), or from the login that `valetkey login` kept.
- What comes back are the REST API's own shapes: `location.bucket`, `lease.expires_at`. Lists are
  walked page by page as they are iterated.
- Everything is typed: `mypy --strict` finds a wrong word before it is sent.
- Retries are logged to `logging.getLogger("valetkey")`, never with a token.
"""
_FOR_TESTS: Final = frozenset({"self", "sleep", "clock", "patience"})
#: In which file a type stands is for readers of the code.
_ROOM: Final = re.compile(r"\b(?:[a-z_0-9]+\.)+(?=[A-Z])")


def library_page() -> str:
    """Return the reference of all that the library offers, in Markdown."""
    parts = [
        _HEAD,
        "## Client",
        "```python",
        f"valetkey.Client{_signature(Client.__init__)}",
        "```",
    ]
    parts += [_text(Client), "", "## Nouns"]
    for name, noun in sorted(vars(_Nouns()).items()):
        parts += ["", f"### client.{name}", _text(noun), "", *_methods(type(noun))]
    parts += ["", "## A location in hand", _text(LocationClient), "", *_methods(LocationClient)]
    parts += ["", "## Errors", "| raised | when |", "|---|---|"]
    parts += [f"| `valetkey.{error.__name__}` | {_line(error)} |" for error in _errors()]
    return "\n".join(part.rstrip() for part in parts).rstrip() + "\n"


class _Nouns(Resources):
    def __init__(self) -> None:
        nobody: Any = None  # nothing is sent: only what there is, is looked at
        super().__init__(nobody)


def _errors() -> Iterator[type[Exception]]:
    found = (getattr(valetkey, name) for name in valetkey.__all__)
    yield from (it for it in found if isinstance(it, type) and issubclass(it, Exception))


def _methods(owner: type) -> Iterator[str]:
    yield "| call | |"
    yield "|---|---|"
    for name, method in inspect.getmembers(owner, inspect.isfunction):
        if not name.startswith("_"):
            signature = _signature(method).replace("|", "\\|")
            yield f"| `{name}{signature}` | {_line(method)} |"


def _signature(function: Callable[..., Any]) -> str:
    """Return what a call looks like; what is for tests only is left out."""
    shown = inspect.signature(function)
    words, keywords = [], False
    for it in shown.parameters.values():
        if it.name in _FOR_TESTS:
            continue
        if it.kind is it.KEYWORD_ONLY and not keywords:
            words.append("*")
            keywords = True
        default = "" if it.default is it.empty else f" = {_default(it.default)}"
        words.append(f"{it.name}: {_type(it.annotation)}{default}")
    returned = _type(shown.return_annotation)
    return f"({', '.join(words)})" + ("" if returned == "None" else f" -> {returned}")


def _type(annotation: object) -> str:
    return (
        _ROOM.sub("", str(annotation).replace('"', ""))
        .replace("UnsetType | ", "")
        .replace(" | UnsetType", "")
    )


def _default(value: object) -> str:
    return "unset" if value is UNSET else repr(value).replace("'", '"')


def _text(thing: object) -> str:
    shown = inspect.getdoc(thing if isinstance(thing, type) else type(thing)) or ""
    return shown.replace("``", "`")


def _line(thing: object) -> str:
    first = (inspect.getdoc(thing) or "").split("\n\n")[0]
    return " ".join(first.split()).replace("|", "\\|").replace("``", "`")


if __name__ == "__main__":
    sys.stdout.write(library_page())
