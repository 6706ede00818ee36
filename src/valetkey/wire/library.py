"""``python -m valetkey.wire.library``: writes ``sdk/resources`` from the operations in ``wire``.

Both clients' resources come from one description, so that neither lacks what the other has, and
none differs from the API. A test holds what is committed to what this writes.
"""

from __future__ import annotations

import inspect
import re
import textwrap
import typing
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import msgspec

from valetkey.wire import OPERATIONS, TAGS
from valetkey.wire.base import Nothing, Query
from valetkey.wire.operation import Operation
from valetkey.wire.source import PAGING, fields, filled, shape

_FOLDER: Final = Path(__file__).parents[1] / "sdk" / "resources"
_HEAD: Final = '''"""{meaning}

Generated: ``python -m valetkey.wire.library``.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, Literal

from msgspec import UNSET, UnsetType

from valetkey.sdk.naming import named
from valetkey.sdk.resources.base import AsyncResource, Resource
from valetkey.sdk.sending import call, downloading, lines, unchanged, uploading
from valetkey.wire import {modules}
from valetkey.wire import base
from valetkey.wire.base import checked_list
'''

_INDEX: Final = '''"""Every noun of the API. Generated: ``python -m valetkey.wire.library``."""

from __future__ import annotations

from valetkey.sdk.resources.base import AsyncSender, Sender
{imports}
'''


def snake(name: str) -> str:
    """Return a name of the API as Python writes it."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def attribute(tag: str) -> str:
    """Return what a tag's resource is called on a client: ``service-accounts`` has underscores."""
    return tag.replace("-", "_")


def method_name(operation: Operation[Any, Any, Any]) -> str:
    """Return what the method is called on its resource: ``listOrgMembers`` is ``list_members``."""
    name = snake(operation.id)
    if operation.tag == "credentials":
        name = name.removeprefix("get_").removeprefix("create_").replace("credentials", "vend")
        return name.removeprefix("vend_").replace("container_vend", "container")
    tag = attribute(operation.tag)
    nouns = {tag, tag.removesuffix("s"), tag.removesuffix("es")}
    nouns |= {"audit_records"} if operation.tag == "audit" else set()
    for noun in sorted(nouns, key=len, reverse=True):
        name = re.sub(rf"^(\w+?)_{noun}(?=_|$)", r"\1", name)
    return name


def listing_by_name(operation: Operation[Any, Any, Any]) -> Operation[Any, Any, Any] | None:
    """Return the list in which what an operation shows is found by name; None if there is none."""
    above, _, last = operation.path.rpartition("/")
    if operation.method != "GET" or not (last.startswith("{") and operation.has_etag):
        return None
    lists = (each for each in OPERATIONS if (each.method, each.path) == ("GET", above))
    return next((each for each in lists if "name" in each.query.__struct_fields__), None)


def _says(hint: Any) -> str:
    """Return the sentence that describes a property."""
    metas = getattr(hint, "__metadata__", ())
    return next((meta.description for meta in metas if getattr(meta, "description", "")), "")


def _docstring(summary: str, described: Iterable[tuple[str, str]], *, is_short: bool) -> list[str]:
    """Return a docstring's lines: what a method does, and what each parameter means. It is short
    where another one takes its place at run time."""
    if is_short:
        return [f'        """{summary}"""']
    lines = [f'        """{summary}', ""]
    for name, text in described:
        words = text.replace("`", "``").replace("\\", "")
        lines += textwrap.wrap(
            f"- ``{name}``: {words}",
            96,
            initial_indent=" " * 8,
            subsequent_indent=" " * 10,
            break_long_words=False,
            break_on_hyphens=False,
        )
    return [*lines, "", "        Raises ApiError.", '        """']


def _described(operation: Operation[Any, Any, Any]) -> Iterator[tuple[str, str]]:
    """Yield each parameter of an operation's method, and what it means."""
    for name in operation.parameters:
        noun = snake(name).removesuffix("_id").replace("_", " ")
        yield snake(name), f"The {noun}'s id." if name.endswith("Id") else f"The {noun}."
    for kind in (operation.query, operation.body if operation.has_body else Nothing):
        hints = typing.get_type_hints(kind, include_extras=True)
        for each in msgspec.structs.fields(kind):
            if not (issubclass(kind, Query) and each.name in PAGING):
                yield each.name, _says(hints[each.name])
    if operation.reads_content:
        yield "content", "The bytes, or what yields them; only bytes may be sent again."
        yield "media_type", "What kind of content it is; left out: that of the name."
    if operation.sends_content:
        yield "byte_range", "Which bytes: an HTTP range, such as `bytes=0-1023`."
    if shows_version(operation):
        yield "if_version", "Refuse with VersionMismatch if it has another version by now."
    elif operation.versioned:
        yield (
            "if_unchanged",
            "What was read of it: refuse with VersionMismatch if it is another by now.",
        )


def finder(operation: Operation[Any, Any, Any], listing: Operation[Any, Any, Any]) -> str:
    """Return the arguments and the body of a method that finds one thing by its name or id."""
    *above, last = operation.parameters
    which = snake(last).removesuffix("_id")
    narrower = [name for name, *_ in fields(listing.query) if name != "name"]
    arguments = ["self", *(f"{snake(name)}: str" for name in above), f"{which}: str"]
    arguments += ["*", *(f"{name}: str | None = None" for name in narrower)] if narrower else []
    pairs = [f"{name!r}: {snake(name)}" for name in above]
    query = ", ".join([f"name={which}", *(f"{name}={name}" for name in narrower), "limit=2"])
    path = f"{{{', '.join(pairs)}}}, " if pairs else ""
    listed = f"call({_operation_source(listing)}, {path}query={shape(listing.query)}({query}))"
    pairs.append(f"{last!r}: {which}")
    got = f"call({_operation_source(operation)}, {{{', '.join(pairs)}}})"
    kind = which.replace("_", " ")
    return f"{', '.join(arguments)}\n self._client.run(named({listed}, {got}, {which}, {kind!r}))"


def _finder_docstring(
    operation: Operation[Any, Any, Any], listing: Operation[Any, Any, Any], *, is_async: bool
) -> list[str]:
    which = snake(operation.parameters[-1]).removesuffix("_id")
    above = [each for each in _described(operation) if each[0] != f"{which}_id"]
    narrower = [each for each in _described(listing) if each[0] not in {"name", *dict(above)}]
    described = [*above, (which, "Its name or id."), *narrower]
    summary = f"{operation.summary.removesuffix('.')}, by its name or id."
    return _docstring(summary, described, is_short=is_async)


def method(operation: Operation[Any, Any, Any], *, is_async: bool) -> str:
    """Return the source of an operation's method."""
    listing = listing_by_name(operation)
    if listing is not None:
        arguments, body = finder(operation, listing).split("\n ")
        word, waits = ("async def", "await ") if is_async else ("def", "")
        result = shape(operation.result)
        head = f"    {word} {method_name(operation)}({arguments}) -> {result}:"
        lines = [head, *_finder_docstring(operation, listing, is_async=is_async)]
        return "\n".join([*lines, f"        return {waits}{body}"])
    if operation.reads_content or operation.sends_content:
        return _content_method(operation, is_async=is_async)
    return _plain_method(operation, is_async=is_async)


def _content_method(operation: Operation[Any, Any, Any], *, is_async: bool) -> str:
    """Return the source of a method that sends bytes, or gives them as they come."""
    own, query = map(snake, operation.parameters), list(fields(operation.query))
    needed = [f"{name}: {kind}" for name, kind, value, _ in query if not value]
    others = [f"{name}: {kind} = {value}" for name, kind, value, _ in query if value]
    pairs = ", ".join(f"{name!r}: {snake(name)}" for name in operation.parameters)
    made = ", ".join(f"{name}={name}" for name, *_ in query)
    asked = f"{_operation_source(operation)}, {{{pairs}}}"
    of_query = f"query={shape(operation.query)}({made})"
    waits = "await " if is_async and operation.reads_content else ""
    prefix = "Async" if is_async else ""
    if operation.reads_content:
        needed.append(f"content: bytes | {prefix}Iterable[bytes]")
        others.append("media_type: str = ''")
        sent = f"send(uploading({asked}, content, media_type=media_type, {of_query}))"
        result = shape(operation.result)
    else:
        others.append("byte_range: str = ''")
        sent = f"chunks(downloading({asked}, byte_range, {of_query}))"
        result = f"{prefix}Iterator[bytes]"
    arguments = ["self", *(f"{name}: str" for name in own), "*", *needed, *others]
    word = "async def" if waits else "def"
    lines = [f"    {word} {method_name(operation)}({', '.join(arguments)}) -> {result}:"]
    lines += _docstring(operation.summary, _described(operation), is_short=is_async)
    return "\n".join([*lines, f"        return {waits}self._client.{sent}"])


def _plain_method(operation: Operation[Any, Any, Any], *, is_async: bool) -> str:
    positional = [snake(name) for name in operation.parameters]
    parts: dict[str, list[tuple[str, str, str, bool]]] = {
        "query": list(fields(operation.query)) if operation.query is not Nothing else [],
        "body": list(fields(operation.body)) if operation.has_body else [],
    }
    given = [each for part in parts.values() for each in part]
    given.sort(key=lambda each: bool(each[2]))
    keywords = [f"{name}: {kind}{f' = {value}' if value else ''}" for name, kind, value, _ in given]
    if operation.versioned:
        keywords.append(_condition(operation))
    arguments = ["self", *(f"{name}: str" for name in positional)]
    arguments += ["*", *keywords] if keywords else []
    is_list = str(operation.result).startswith("valetkey.wire.base.Page[")
    result, sends = _result(operation, is_list=is_list, is_async=is_async)
    plain = not is_list and not _streams(operation)
    word = "async def" if is_async and plain else "def"
    lines = [f"    {word} {method_name(operation)}({', '.join(arguments)}) -> {result}:"]
    lines += _docstring(operation.summary, _described(operation), is_short=is_async)
    sent = [_operation_source(operation)]
    if positional:
        pairs = zip(operation.parameters, positional, strict=True)
        sent.append("{" + ", ".join(f"{name!r}: {own}" for name, own in pairs) + "}")
    for part, kind in (("query", operation.query), ("body", operation.body)):
        if parts[part]:
            sent.append(f"{part}={shape(kind)}({filled(parts[part])})")
        elif part == "query" and is_list:
            sent.append(f"query={shape(kind)}()")
    if shows_version(operation):
        sent.append("if_version=if_version")
    asked = f"{'lines' if sends == 'stream' else 'call'}({', '.join(sent)})"
    if operation.versioned and not shows_version(operation):
        shown = _operation_source(_shown_by(operation))
        sends, asked = "run", f"unchanged({asked}, {shown}, {sent[1]}, if_unchanged)"
    awaits = "await " if is_async and plain else ""
    keyword = "return " if operation.has_result or operation.lines else ""
    lines.append(f"        {keyword}{awaits}self._client.{sends}({asked})")
    return "\n".join(lines)


def _result(
    operation: Operation[Any, Any, Any], *, is_list: bool, is_async: bool
) -> tuple[str, str]:
    """Return the source of what a method returns, and the client's method that sends it."""
    iterator = "AsyncIterator" if is_async else "Iterator"
    if is_list:
        return f"{iterator}[{shape(typing.get_args(operation.result)[0])}]", "walk"
    if _streams(operation):
        return f"{iterator}[{shape(operation.lines)}]", "stream"
    return (shape(operation.result) if operation.has_result else "None"), "send"


def _streams(operation: Operation[Any, Any, Any]) -> bool:
    """Tell whether the library reads an answer line by line."""
    return operation.lines is not None and (operation.prefers_lines or not operation.has_result)


def _shown_by(operation: Operation[Any, Any, Any]) -> Operation[Any, Any, Any]:
    """Return the operation that shows what one changes."""
    for each in OPERATIONS:
        if (each.method, each.path) == ("GET", operation.path):
            return each
    raise LookupError(f"{operation.id} is versioned, and no GET shows what is at {operation.path}.")


def shows_version(operation: Operation[Any, Any, Any]) -> bool:
    """Tell whether what an operation changes is shown with a version, which is its ETag."""
    return operation.versioned and "version" in _shown_by(operation).result.__struct_fields__


def _condition(operation: Operation[Any, Any, Any]) -> str:
    """Return the argument that says on which condition something is changed."""
    if shows_version(operation):
        return "if_version: int | None = None"
    return f"if_unchanged: {shape(_shown_by(operation).result)} | None = None"


def _operation_source(operation: Operation[Any, Any, Any]) -> str:
    import valetkey.wire as package  # noqa: PLC0415  # its modules, to find where it is declared

    for module in vars(package).values():
        if inspect.ismodule(module):
            for name, value in vars(module).items():
                if value is operation:
                    return f"{module.__name__.rpartition('.')[2]}.{name}"
    raise LookupError(operation.id)


def class_name(tag: str) -> str:
    """Return the name of a resource's class."""
    return "".join(word.capitalize() for word in tag.split("-"))


def page(tag: str) -> str:
    """Return the source of a resource's module."""
    operations = [operation for operation in OPERATIONS if operation.tag == tag]
    parts = []
    twin = f"AsyncResource, like={class_name(tag)}"
    for prefix, base, is_async in (("", "Resource", False), ("Async", twin, True)):
        methods = "\n\n".join(method(each, is_async=is_async) for each in operations)
        parts.append(
            f'class {prefix}{class_name(tag)}({base}):\n    """{TAGS[tag]}"""\n\n{methods}\n'
        )
    text = "\n\n".join(parts)
    modules = sorted(set(re.findall(r"\b([a-z_]+)\.[A-Z]", text)) - {"base"})
    return _HEAD.format(meaning=TAGS[tag], modules=", ".join(modules)) + "\n\n" + text


def main() -> None:
    """Write every module; format them afterwards (``make reference`` does)."""
    for tag in TAGS:
        (_FOLDER / f"{attribute(tag)}.py").write_text(page(tag), encoding="utf-8")
    imports = "\n".join(
        f"from valetkey.sdk.resources.{attribute(tag)} import "
        f"Async{class_name(tag)}, {class_name(tag)}"
        for tag in TAGS
    )
    parts = [_INDEX.format(imports=imports)]
    for prefix, sender in (("", "Sender"), ("Async", "AsyncSender")):
        fields = "\n".join(
            f"        self.{attribute(tag)} = {prefix}{class_name(tag)}(client)" for tag in TAGS
        )
        parts.append(
            f'class {prefix}Resources:\n    """Every noun of the API, as an attribute."""\n\n'
            f"    def __init__(self, client: {sender}) -> None:\n{fields}\n"
        )
    (_FOLDER / "__init__.py").write_text("\n\n".join(parts), encoding="utf-8")


if __name__ == "__main__":
    main()
