"""Secrets come from a prompt, a file or standard input, never from the command line."""

from __future__ import annotations

import getpass
import sys
from pathlib import Path
from typing import Annotated, TypeAlias

from cyclopts import Parameter

from valetkey.sdk.errors import InvalidRequest

#: The option for a file that holds a secret; ``-`` is standard input.
SecretFile: TypeAlias = Annotated[Path | None, Parameter(allow_leading_hyphen=True)]
_STDIN = Path("-")
#: A secret of any kind is far shorter; whoever names a disk image by mistake hears it early.
_MOST = 64 * 1024


def read_secret(file: Path | None, what: str, option: str, *, again: bool = False) -> str:
    """Return a secret: from ``file`` (``-`` is standard input), or else by asking.

    One newline at its end is an editor's, and left out. ``what`` names it in the prompt, ``option``
    is the option for the file; with ``again`` it is asked for twice. Raises InvalidRequest.
    """
    if file is not None:
        return _from_file(file, what)
    if not sys.stdin.isatty():
        raise InvalidRequest(
            f"Nobody is there to type the {what}.",
            hint=f"Name a file that holds it, or '-' for standard input: {option}.",
        )
    typed = getpass.getpass(f"{what[:1].upper()}{what[1:]}: ")
    if again and getpass.getpass("The same again: ") != typed:
        raise InvalidRequest("The two are not the same.", hint="Nothing was done; try again.")
    return typed


def _from_file(file: Path, what: str) -> str:
    try:
        if file == _STDIN:
            text = sys.stdin.read(_MOST)
        else:
            with file.open(encoding="utf-8") as opened:
                text = opened.read(_MOST)
    except OSError as error:
        raise InvalidRequest(
            f"The {what} can't be read from {file}: {error.strerror}.", hint="Check the path."
        ) from None
    except UnicodeDecodeError:
        raise InvalidRequest(f"The {what} in {file} is not text.", hint="Check the path.") from None
    return text.removesuffix("\n").removesuffix("\r")
