"""Options that several commands have."""

from __future__ import annotations

import json
from typing import Annotated, Any, Final, cast, get_args

from cyclopts import Parameter

from valetkey.sdk.errors import InvalidRequest
from valetkey.wire.base import AccessLevel

#: Destroy without asking.
Yes = Annotated[bool, Parameter(name=("--yes", "-y"), negative=(), help="Don't ask.")]
#: Given several times.
Many = Parameter(negative=(), show_default=False)
PrefixOption = Annotated[
    tuple[str, ...],
    Parameter(
        name="--prefix",
        negative=(),
        help="A folder below the location's own; may be given several times (default: all of it).",
    ),
]
AccessOption = Annotated[str, Parameter(help="Any of list, read, write, delete; with commas.")]


def _check_limit(_type: object, limit: int | None) -> None:
    if limit is not None and limit < 1:
        raise ValueError("Ask for 1 or more.")


Limit = Annotated[int | None, Parameter(help="How many at most.", validator=_check_limit)]
Cursor = Annotated[
    str, Parameter(help="Where to go on: next, as a list's JSON has it.", show_default=False)
]
#: Which one it is about. Those that say what of are of another noun than the command.
ByName = Annotated[str, Parameter(help="Its name or id.")]
ById = Annotated[str, Parameter(help="Its id.")]
OfDataset = Annotated[str, Parameter(help="The dataset, by name or id.")]
OfLocation = Annotated[str, Parameter(help="The location, by name or id.")]
OfGroup = Annotated[str, Parameter(help="The group, by name or id.")]
Email = Annotated[str, Parameter(help="Their e-mail address.")]
EmailOrId = Annotated[str, Parameter(help="Their e-mail address or id.")]
NewName = Annotated[str, Parameter(help="Another name.")]
OptionalNewName = Annotated[str | None, Parameter(help="Another name.")]
WHOLE: Final = ("",)
_LEVELS: Final = get_args(AccessLevel)


def access_levels(text: str) -> list[AccessLevel]:
    """Return what may be done, apart. Raises InvalidRequest."""
    levels = [level.strip() for level in text.split(",") if level.strip()]
    for level in levels:
        if level not in _LEVELS:
            raise InvalidRequest(
                f"There is no access {level[:40]!r}.", hint=f"Use {', '.join(_LEVELS)}."
            )
    return cast("list[AccessLevel]", levels)


def json_object(
    text: str, option: str = "--metadata", such_as: str = '{"user": {"weather": "rain"}}'
) -> dict[str, Any]:
    """Return what an option gives as JSON. Raises InvalidRequest for anything but an object."""
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise InvalidRequest(f"{option} is no JSON object.", hint=f"Such as '{such_as}'.")
    return found
