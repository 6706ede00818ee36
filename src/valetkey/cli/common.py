"""The options that every command of the client has."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, Literal

from cyclopts import Group, Parameter

#: How an answer is printed.
OutputForm = Literal["table", "json", "yaml", "name"]
#: A flag that has no --no- form.
Flag = Annotated[bool, Parameter(negative=())]
_GROUP: Final = Group("Server and output", sort_key=9)


@Parameter(name="*", group=_GROUP)
@dataclass(frozen=True, slots=True, kw_only=True)
class Common:
    """Which server, who asks, and for whom to print."""

    url: Annotated[str, Parameter(env_var="VALETKEY_URL", show_default=False)] = ""
    """The server's address (default: where you are logged in)."""
    token_file: Annotated[Path | None, Parameter(env_var="VALETKEY_TOKEN_FILE")] = None
    """A file with an API token (or: the variable VALETKEY_TOKEN; default: your login)."""
    org: Annotated[str, Parameter(env_var="VALETKEY_ORG", show_default=False)] = ""
    """The organisation, by name or id (default: the only one)."""
    output: Annotated[OutputForm, Parameter(name=("--output", "-o"))] = "table"
    """table, json (as the API answers), yaml, or name (what commands take, a line each)."""
    as_json: Annotated[bool, Parameter(name="--json", negative=(), show_default=False)] = False
    """The same as -o json."""

    @property
    def form(self) -> OutputForm:
        """What is to be printed."""
        return "json" if self.as_json else self.output


COMMON: Final = Common()
