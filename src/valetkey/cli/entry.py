"""From words to an exit code: the one place where commands' errors are shown."""

from __future__ import annotations

import io
import os
import sys
import threading
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from valetkey.cli import show
from valetkey.cli.commands import front_page
from valetkey.cli.exits import Exit, Explained, exit_of

#: What a missing library belongs to. Whatever is not listed came with the server.
_EXTRAS: Final = {
    "botocore": "setup",
    "boto3": "boto3",
    "ministack": "embedded",
    "hypercorn": "embedded",
}
_OURS: Final = "valetkey"
_DEBUG: Final = "VALETKEY_DEBUG"
_JSON: Final = frozenset({"--json", "-o json", "-ojson", "--output json", "--output=json"})


class _Usage(Exception):
    """Words that make no command; has the shape of :class:`Explained`."""

    code = "usage"

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class _Missing(_Usage):
    """A library that is not installed."""

    code = "missing_package"


class _Bug(_Usage):
    """Something that nobody foresaw."""

    code = "internal"


class _System(_Bug):
    """What the operating system refused: a full disk, a closed output."""

    code = "system"


def main(words: Sequence[str] | None = None) -> int:
    """Run one command to its exit code. ``words`` are the command line without the program."""
    given = list(sys.argv[1:] if words is None else words)
    if words is None and not os.environ.get(_DEBUG):
        # What breaks in a thread is told by whoever waits for it: the thread itself has no say.
        threading.excepthook = lambda _: None
    if not _has_output():
        show.say("Standard output is closed: nothing was done, as its result would be lost.")
        return Exit.USAGE
    try:
        result = _run(given)
        sys.stdout.flush()
    except KeyboardInterrupt:
        show.say("Interrupted.")
        return Exit.INTERRUPTED
    except BrokenPipeError:
        _abandon_output()  # who read it has enough (`valetkey ... | head`)
        return Exit.DONE
    except Exception as error:  # noqa: BLE001  # the last line before the user: no traceback
        return _fail(error, as_json=_wants_json(given))
    return result if isinstance(result, int) else Exit.DONE


def _has_output() -> bool:
    """Tell whether results can be written. What else is closed is opened as nothing: Python has
    None for it, and the next file that is opened would take its place."""
    if sys.stdin is None:
        sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: PTH123, SIM115  # open to the end
    has_output = sys.stdout is not None
    if not has_output:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal may not know every letter
    return has_output


def _abandon_output() -> None:
    """Let nothing more be written: Python would flush into what takes nothing when it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _run(words: Sequence[str]) -> object:
    if words in ([], ["--help"], ["-h"]):
        show.write(front_page())
        return Exit.DONE
    from valetkey.cli.program import app  # noqa: PLC0415  # the front page does without

    return app(words, exit_on_error=False, print_error=False, result_action="return_value")


def _wants_json(words: Sequence[str]) -> bool:
    """Tell whether JSON was asked for; after ``--`` another program's words begin."""
    own = words[: words.index("--")] if "--" in words else words
    pairs = {" ".join(pair) for pair in pairwise(own)}
    return bool(_JSON.intersection({*own, *pairs}))


def _fail(error: Exception, *, as_json: bool) -> int:
    explained, code = _explained(error)
    try:
        if as_json:
            show.error_json(explained)
        sys.stdout.flush()
    except OSError:
        as_json = False
        _abandon_output()
    if not as_json:
        show.error(explained)
    if isinstance(explained, _Bug) and os.environ.get(_DEBUG):
        raise error
    return code


def _explained(error: Exception) -> tuple[Explained, int]:
    from cyclopts.exceptions import CycloptsError  # noqa: PLC0415  # the front page does without

    if isinstance(error, CycloptsError):
        from valetkey.cli.usage import explain_usage  # noqa: PLC0415  # words are seldom wrong

        return _Usage(*explain_usage(error)), Exit.USAGE
    if isinstance(error, ImportError):
        missing = _missing(error)
        if missing is not None:
            return missing, Exit.USAGE
    if isinstance(error, Explained):
        return error, exit_of(error)
    if isinstance(error, EOFError | UnicodeEncodeError):
        return _of_the_input(error), Exit.USAGE
    if isinstance(error, OSError):
        about = f"{error.filename}: " if error.filename else ""
        return _System(
            f"The system refused: {about}{error.strerror or type(error).__name__}.",
            f"See that there is space, and where the output goes; {_DEBUG}=1 prints more.",
        ), Exit.FAILED
    name = type(error).__name__
    return _Bug(
        f"Valetkey met an error of its own that it did not expect ({name}).",
        f"Please report it, with what {_DEBUG}=1 prints when you run the command again.",
    ), Exit.FAILED


def _of_the_input(error: EOFError | UnicodeEncodeError) -> _Usage:
    if isinstance(error, EOFError):
        hint = "Nothing was changed; the command's options say how to do without."
        return _Usage("The input ended before there was an answer.", hint)
    return _Usage("A word of the command is no text.", "Write it in UTF-8.")


def _missing(error: ImportError) -> _Missing | None:
    """Return what to install, if a library is missing; None for a mistake of our own."""
    found: BaseException | None = error
    while found is not None and not isinstance(found, ModuleNotFoundError):
        found = found.__cause__ or found.__context__
    package = (found.name or "").partition(".")[0] if found is not None else ""
    if not package or package == _OURS:
        return None
    extra = _EXTRAS.get(package, "server")
    return _Missing(
        f"This command needs the library {package}, which is not installed.",
        f"pip install 'valetkey[{extra}]'",
    )
