"""``valetkey exec`` and ``valetkey agent``."""

from __future__ import annotations

import os
import shlex
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

from cyclopts import Parameter

from valetkey.cli import show
from valetkey.cli.common import COMMON, Common
from valetkey.cli.connection import ServerConnection, find_connection
from valetkey.cli.credential_helpers import children
from valetkey.cli.credential_helpers.child_environment import (
    ChildEnvironment,
    environment_for,
    token_file,
)
from valetkey.cli.credential_helpers.endpoint import serving
from valetkey.cli.durations import parse_optional_span
from valetkey.cli.finding import InProject, asked_for
from valetkey.cli.options import WHOLE, AccessOption, OfLocation, PrefixOption, access_levels
from valetkey.cli.terminal import Terminal
from valetkey.sdk.client import Client
from valetkey.sdk.errors import InvalidRequest

STANDARD_INPUT: Final = Path("-")
#: A shell's exit codes for a command that it can't start.
NOT_EXECUTABLE: Final = 126
NOT_FOUND: Final = 127


@Parameter(name="*")
@dataclass(frozen=True, slots=True, kw_only=True)
class HelperRequest:
    """What the credentials shall open."""

    prefix: PrefixOption = WHOLE
    access: AccessOption = "list,read"
    ttl: str = ""
    """How long each credential is good: 15m to 12h; without it 1h, or less where no more is
    allowed. They are renewed."""
    purpose: str = ""
    """What for; it stands in the audit record."""
    bare: Annotated[bool, Parameter(negative=())] = False
    """Let listings name the folders without their "/" too, as "aws s3 ls s3://bucket/folder"."""
    versions: Annotated[bool, Parameter(negative=())] = False
    """Open old versions of the objects too."""
    project: InProject = ""


_READING: Final = HelperRequest()


def exec_(
    location: OfLocation,
    /,
    *command: Annotated[str, Parameter(show_default=False)],
    wanted: HelperRequest = _READING,
    common: Common = COMMON,
) -> int:
    """Run a command with credentials that renew themselves: ``valetkey exec LOCATION -- command``.

    Its exit code becomes this one's. It is led to a private address of this machine, from which
    AWS's SDKs fetch credentials; neither they nor your token are in its environment.

    Parameters
    ----------
    command
        The command and its words, after ``--``.
    """
    if not command:
        raise InvalidRequest(
            "There is no command to run.",
            hint=f"valetkey exec {shlex.quote(location)} -- aws s3 ls",
        )
    with _handing_over(location, wanted, common) as around:
        try:
            return children.run(command, around.applied_to(os.environ))
        except FileNotFoundError:
            show.say(f"There is no command {command[0]!r}.")
            return NOT_FOUND
        except OSError as error:
            show.say(f"The command {command[0]!r} can't be started: {error.strerror}.")
            return NOT_EXECUTABLE


def agent(
    location: OfLocation,
    /,
    *,
    wanted: HelperRequest = _READING,
    port: int = 0,
    common: Common = COMMON,
) -> None:
    """Serve credentials to AWS's SDKs on this machine until stopped (Ctrl-C).

    Prints lines for a shell: what to set in the programs that shall use them.

    Parameters
    ----------
    port
        The port on 127.0.0.1; 0 lets the system choose.
    """
    stop = threading.Event()
    before = {
        number: signal.signal(number, lambda *_: stop.set())
        for number in (signal.SIGTERM, signal.SIGINT)
    }
    try:
        with _handing_over(location, wanted, common, port) as around:
            if common.form != "table":
                show.write_json({"set": dict(around.given), "unset": list(around.taken)})
            else:
                show.write(_for_a_shell(around))
                show.say("Serving credentials; Ctrl-C ends it.")
            stop.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _handing_over(
    location: str, wanted: HelperRequest, common: Common, port: int = 0
) -> Iterator[ChildEnvironment]:
    """Serve credentials on loopback. Raises ApiError before anything is served, if there are
    none to be had."""
    found = find_connection(common.url, common.token_file)
    with Terminal(found.url, found.token, common) as terminal:
        location, project = asked_for(terminal, location, wanted.project)

    with Client(found.url, _token_source(found, common.token_file)) as client:
        current = client.location(location, project=project).renewing(
            wanted.prefix,
            access_levels(wanted.access),
            parse_optional_span(wanted.ttl, "--ttl"),
            wanted.purpose,
            bare=wanted.bare,
            versions=wanted.versions,
        )
        first = current()
        with serving(current, port=port) as endpoint, token_file(endpoint.token) as file:
            yield environment_for(endpoint, file, first)


def _token_source(found: ServerConnection, file: Path | None) -> Callable[[], str]:
    """Return what looks for the token anew each time: a login is renewed, a file rewritten."""
    if file == STANDARD_INPUT:
        return lambda: found.token
    return lambda: find_connection(found.url, file).token


def _for_a_shell(around: ChildEnvironment) -> str:
    lines = [f"export {name}={shlex.quote(value)}" for name, value in around.given.items()]
    return "\n".join([f"unset {' '.join(around.taken)}", *lines])
