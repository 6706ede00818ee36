"""IAM's patterns: ``*``, ``?``, and policy variables such as ``${aws:username}``.

Source: IAM user guide, "IAM JSON policy elements: Variables and tags" (``${*}``, ``${?}`` and
``${$}`` are the letters themselves).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from valetkey.domain.diagnosis.iam.truth import Truth, truth

#: What is known of a request: values by key in lower case; an empty list is known to be absent,
#: and a key that is not there is unknown.
Context = Mapping[str, Sequence[str]]

_VARIABLE: Final = re.compile(r"\$\{([^}]*)\}")
_LITERAL: Final = frozenset("*?$")


def matches(
    pattern: str,
    text: str,
    context: Context,
    *,
    ignore_case: bool = False,
    literal: bool = False,
) -> Truth:
    """Tell whether a pattern matches a text. In a ``literal`` one, ``*`` and ``?`` are letters;
    variables are filled in all the same."""
    filled = _filled(pattern, context, re.escape if literal else _regex)
    if filled is None:
        return Truth.UNKNOWN
    if filled is _ABSENT:
        return Truth.NO
    found = re.fullmatch(filled, text, re.DOTALL | (re.IGNORECASE if ignore_case else 0))
    return truth(found is not None)


#: A pattern whose variable has no value in this request: such a statement never matches.
_ABSENT: Final = "\0"


def _filled(pattern: str, context: Context, plain: Callable[[str], str]) -> str | None:
    """Return the pattern as a regular expression, or None for a variable that is not known."""
    parts, at = [], 0
    for found in _VARIABLE.finditer(pattern):
        parts.append(plain(pattern[at : found.start()]))
        at = found.end()
        name, _, default = found.group(1).partition(",")
        if name in _LITERAL:
            parts.append(re.escape(name))
            continue
        values = context.get(name.strip().lower())
        if values is None:
            return None
        fallback = default.strip().strip("'")
        if not values and not fallback:
            return _ABSENT
        parts.append(re.escape(values[0] if values else fallback))
    return "".join([*parts, plain(pattern[at:])])


def _regex(text: str) -> str:
    return re.escape(text).replace(r"\*", ".*").replace(r"\?", ".")
