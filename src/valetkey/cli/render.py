"""The one renderer: whatever the API answers, for people (tables) and for programs (JSON as it
came, YAML, names)."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from valetkey.cli import show
from valetkey.cli.common import OutputForm
from valetkey.cli.exits import Exit
from valetkey.counting import counted
from valetkey.sdk.naming import is_id

if TYPE_CHECKING:
    from valetkey.cli.terminal import Terminal
    from valetkey.wire.leases import Ending
    from valetkey.wire.orgs import Departure
    from valetkey.wire.reports import Report

#: A property, or a heading and what stands below it.
TableColumn = str | tuple[str, Callable[[Any], str | None]]
#: What names a thing, best first.
_NAMES: Final = ("name", "email", "path", "key", "id")
#: Said in another place, or of no interest to people.
_HIDDEN: Final = frozenset({"report", "version"})
#: Ids that name nothing that could be meant instead.
_IDS: Final = frozenset({"id", "external_id"})
_PLAIN: Final = re.compile(r"[A-Za-z0-9_./][A-Za-z0-9_./@+ -]*(?<! )")
#: What YAML takes for something other than a text.
_WORDS: Final = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n", "~"})


def one(client: Terminal, value: Any, *, say: str = "") -> None:
    """Print one thing: pairs of names and values, or the sentence ``say`` instead."""
    form = client.common.form
    if form != "table":
        _print([client.raw(value)], form, [value])
    elif say:
        show.say(say)
    else:
        show.facts(pairs(value))


def many(
    client: Terminal, values: Iterable[Any], columns: Sequence[TableColumn], *, empty: str
) -> None:
    """Print a list: a table, or the sentence ``empty`` when there is nothing in it."""
    form, every = client.common.form, list(values)
    if form == "table":
        headings = [_words(each) if isinstance(each, str) else each[0] for each in columns]
        rows = ([_cell(value, each) for each in columns] for value in every)
        show.table(headings, rows, empty=empty)
        if client.next is not None:
            show.say(f"There is more: --cursor {client.next}")
        return
    if form == "name":
        _print([], form, every)
        return
    items = b",".join(client.raw(value) for value in every)
    following = json.dumps(client.next).encode()
    _print([b'{"items":[' + items + b'],"next":' + following + b"}"], form, every)


def report(client: Terminal, found: Report) -> Exit:
    """Print a report as instructions; return the exit code of whether all of it holds."""
    if client.common.form == "table":
        show.report(found)
    else:
        one(client, found)
    return Exit.DONE if found.passed else Exit.FAILED


def done(client: Terminal, sentence: str) -> None:
    """Say what was done, to people: the API's answer has nothing to print."""
    if client.common.form == "table":
        show.say(sentence)


def ended(client: Terminal, ending: Ending, sentence: str) -> None:
    """Say in a sentence what ended, and what was vended before and works on until when; in another
    form print what the API answered. What has ended has no name any more."""
    if client.common.form != "name":
        one(client, ending, say=sentence)
    if client.common.form == "table" and ending.revoked is not None:
        show.say(f"Revoked: {counted(ending.revoked.leases, 'AWS session')} of it.")
    say_what_lives(client, ending.live_leases, ending.live_until)


def say_what_lives(client: Terminal, leases: int | None, until: datetime | None) -> None:
    """Say how many AWS sessions work on, in a table's form; nothing of none."""
    if client.common.form == "table" and leases:
        show.say(
            f"Still working of what was vended before: {counted(leases, 'AWS session')}, the last "
            f"until {show.moment(until)}: see 'valetkey leases revoke'."
        )


def departed(client: Terminal, left: Departure, sentence: str) -> None:
    """Say what ended with a member or a service account, and what could not be ended."""
    one(
        client,
        left,
        say=f"{sentence}. With it ended {counted(left.tokens, 'API token')}, "
        f"{counted(left.sessions, 'sign-in')} and {counted(left.leases, 'AWS session')}.",
    )
    if client.common.form == "table" and left.remaining:
        show.say("What could not be ended lives on:")
        rows = [
            (each.kind, each.id, show.moment(each.until), each.reason) for each in left.remaining
        ]
        show.table(("what", "id", "until", "why"), rows, empty="")


def _print(raws: Sequence[bytes], form: OutputForm, values: Iterable[Any]) -> None:
    if form == "name":
        for word in filter(None, handles(list(values))):  # a report has none
            show.write_name(word)
    for raw in raws if form == "json" else ():
        show.write_raw(raw)
    for raw in raws if form == "yaml" else ():
        show.write("\n".join(yaml_lines(json.loads(raw))))


def handles(values: Sequence[Any]) -> list[str]:
    """Return the words by which a noun's commands take each of its things: its name, or else its
    id, where the name is another's too, or would be taken for an option or an id."""
    words = [_handle(value) for value in values]
    often = Counter(words)
    return [
        getattr(value, "id", word) if often[word] > 1 or word[:1] == "-" or is_id(word) else word
        for value, word in zip(values, words, strict=True)
    ]


def _handle(value: Any) -> str:
    own = getattr(value, "handle", ())
    return " ".join(getattr(value, each) for each in own) if own else name_of(value)


def name_of(value: Any) -> str:
    """Return what a thing is called: its name, address or key, or else its id."""
    found = (getattr(value, name, None) for name in _NAMES)
    return next((str(each) for each in found if each), "")


def pairs(value: Any) -> Iterator[tuple[str, str]]:
    """Yield each property of a shape in words, and its value for people."""
    for name in value.__struct_fields__:
        if name not in _HIDDEN:
            yield _words(name), text_of(getattr(value, name))


def text_of(value: Any) -> str:  # noqa: PLR0911  # a case each
    """Return a value as people read it; empty for nothing."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return show.moment(value)
    if isinstance(value, list | tuple):
        return ", ".join(text_of(each) or '""' for each in value)
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False) if value else ""
    if not hasattr(value, "__struct_fields__"):
        return str(value)
    if any(getattr(value, name, None) for name in ("name", "email")):
        return name_of(value)
    return "; ".join(f"{name} {text}" for name, text in pairs(value) if text)


def _words(name: str) -> str:
    words = name.replace("_", " ")
    return words if name in _IDS else words.removesuffix(" id")


def _cell(value: Any, column: TableColumn) -> str:
    return text_of(getattr(value, column) if isinstance(column, str) else column[1](value))


def yaml_lines(value: Any, indent: str = "") -> Iterator[str]:
    """Yield what JSON holds as YAML's lines; what might be taken for something else is quoted."""
    if isinstance(value, dict) and value:
        for name, each in value.items():
            yield from _entry(f"{indent}{_scalar(name)}:", each, indent)
    elif isinstance(value, list) and value:
        for each in value:
            nested = list(yaml_lines(each, f"{indent}  "))
            yield f"{indent}- {nested[0].lstrip(' ')}"
            yield from nested[1:]
    else:
        yield indent + _scalar(value)


def _entry(head: str, value: Any, indent: str) -> Iterator[str]:
    if isinstance(value, dict | list) and value:
        yield head
        yield from yaml_lines(value, f"{indent}  ")
    else:
        yield f"{head} {_scalar(value)}"


def _scalar(value: Any) -> str:
    if isinstance(value, str) and _PLAIN.fullmatch(value) and value.lower() not in _WORDS:
        is_number = value[0].isdigit() or value[0] == "."
        return json.dumps(value) if is_number else value
    quoted = json.dumps(value, ensure_ascii=False)
    return "".join(each if each.isprintable() else f"\\U{ord(each):08x}" for each in quoted)
