"""The filter language in SQL: a condition with bound parameters, of the meaning that
:mod:`valetkey.catalog.domain.dql.evaluate` has in memory.

Every condition is true or false, never NULL, so that NOT means what it says.
"""

from __future__ import annotations

import json
from itertools import chain, starmap
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Text,
    and_,
    bindparam,
    case,
    cast,
    false,
    func,
    literal,
    literal_column,
    not_,
    or_,
    true,
)
from sqlalchemy.dialects.postgresql import JSONB

from valetkey.catalog.db import tables as t
from valetkey.catalog.db.items.documents import (
    ORDERINGS,
    Documents,
    Postgresql,
    Sqlite,
    has_plain_text,
    number,
)
from valetkey.catalog.db.items.globs import SqlCondition, SqlExpression
from valetkey.catalog.domain.dataset import STANDARD
from valetkey.catalog.domain.dql.ast import (
    All,
    Column,
    Compare,
    Contains,
    Either,
    Equal,
    Exists,
    Field,
    FilterNode,
    Glob,
    MetadataValue,
    Not,
    Scalar,
    conjunction,
)
from valetkey.catalog.domain.dql.glob import Wild, is_glob, literal_prefix, pieces

Test = Equal | Compare | Glob | Contains | Exists

_C = t.items.c
#: As the index over made folders has it.
_SLASH: Final[ColumnElement[str]] = literal_column("'/'")
#: Whether a row is of a folder that somebody made.
IS_FOLDER: Final = func.substr(_C.path, func.length(_C.path)) == _SLASH
_NUMBERS: Final = frozenset({Column.SIZE, Column.CREATED_AT, Column.UPDATED_AT})
_LAST: Final = "\U0010ffff"
_SURROGATES: Final = 0xD800
_AFTER_SURROGATES: Final = 0xE000


_PLAIN: Final[dict[Column, SqlExpression]] = {
    Column.ID: _C.id,
    Column.CREATOR: _C.creator,
    Column.CREATED_AT: _C.created_ms,
    Column.UPDATED_AT: _C.updated_ms,
    Column.SIZE: _C.size,
    Column.MIMETYPE: _C.mimetype,
    Column.ETAG: _C.etag,
    Column.DESCRIPTION: func.coalesce(_C.description, literal("", Text())),
    Column.STORAGE_CLASS: case((_C.storage_class == "", STANDARD), else_=_C.storage_class),
    Column.TYPE: case((IS_FOLDER, "dir"), else_="file"),
}
#: Fields whose values all begin with a ``/``, which no row has.
_AFTER_SLASH: Final = frozenset({Column.FILENAME, Column.DIR})
#: Fields that look otherwise where somebody made folders.
OF_FOLDERS: Final = frozenset({Column.TYPE, Column.FILENAME, Column.NAME})


class Translator:
    """Filters -> conditions, for one kind of database and one dataset. Without ``has_folders``
    nobody has made folders in it, so that no item has to be asked whether it is one."""

    def __init__(self, kind: str, dataset_id: str, *, has_folders: bool = True) -> None:
        self.kind = kind
        self._dataset_id = dataset_id
        self._has_folders = has_folders
        self._files_only = False
        self._documents: Documents = Postgresql() if kind == "postgresql" else Sqlite()

    def condition(self, node: FilterNode) -> SqlCondition:
        """Translate a filter."""
        self._files_only = self.is_of_files(conjunction(node))
        return self._condition(node)

    def is_of_files(self, parts: list[FilterNode]) -> bool:
        """Tell whether what fits conditions is no folder that somebody made."""
        return not self._has_folders or Equal(Column.TYPE, "file") in parts

    def column(self, field: Column) -> SqlExpression:
        """Return an item's own field as an expression over its row; it is never NULL."""
        side = self.order(field)
        return literal("/", Text()) + side if field in _AFTER_SLASH else side

    def order(self, field: Column) -> SqlExpression:
        """Return what orders items as a field of theirs does. It leaves out the ``/`` that all file
        names and folders begin with: to put it there takes longer than to compare."""
        if field is Column.DATASET:
            return literal(self._dataset_id, Text())
        if field is Column.DIR:
            if self.kind == "postgresql":
                return func.left(_C.folder, -1)
            return func.substr(_C.folder, 1, func.length(_C.folder) - 1)
        if field not in {Column.FILENAME, Column.NAME}:
            return _PLAIN[field]
        # A folder's path ends in '/'. To look for it takes as long as the rest of a search.
        is_name = field is Column.NAME
        side = func.substr(_C.path, func.length(_C.folder) + 1) if is_name else _C.path
        return func.rtrim(side, "/") if self._has_folders else side

    def leading(self, parts: list[FilterNode]) -> list[SqlCondition]:
        """Return what follows from conditions and what an index over metadata finds: none, where
        there is no such index."""
        if self.kind != "postgresql":
            return []
        return [
            or_(*chain.from_iterable(starmap(_holding, given)))
            for part in parts
            if (given := _given_metadata(part))
        ]

    def glances(self, parts: list[FilterNode]) -> list[SqlCondition]:
        """Return what follows from conditions on metadata and SQLite tells by a glance."""
        found = []
        for part in parts:
            told = [has_plain_text(value) for _, value in _given_metadata(part)]
            some = [each for each in told if each is not None]
            found += [or_(*some)] if some and len(some) == len(told) else []
        return found

    def _condition(self, node: FilterNode) -> SqlCondition:
        match node:
            case All(parts):
                return and_(true(), *map(self._condition, parts))
            case Either(parts):
                return or_(false(), *self._either(parts))
            case Not(part):
                return not_(self._condition(part))
            case _ if isinstance(node.field, MetadataValue):
                return func.coalesce(self._on_document(node, node.field), false())
            case _:
                return self._on_column(node, node.field)

    def _either(self, parts: tuple[FilterNode, ...]) -> list[SqlCondition]:
        """Translate alternatives; those of one field with texts become one IN."""
        texts: dict[Field, list[str]] = {}
        others = []
        for part in parts:
            match part:
                case Equal(Column() as field, str() as text) if field not in _NUMBERS:
                    texts.setdefault(field, []).append(text)
                case _:
                    others.append(self._condition(part))
        return [*(self._one_of(field, values) for field, values in texts.items()), *others]

    def _on_column(self, node: Test, field: Column) -> SqlCondition:
        kind = int if field in _NUMBERS else str
        match node:
            case Exists():
                return true()
            case Equal(_, value):
                return self._equal(field, value) if _is(value, kind) else false()
            case Compare(_, operator, value):
                if not _is(value, kind):
                    return false()
                wanted = literal(value, Text()) if isinstance(value, str) else number(value)
                return ORDERINGS[operator](self.column(field), wanted)
            case Glob(_, pattern):
                return self._glob(field, pattern) if kind is str else false()
            case Contains(_, text):
                return self._holds(field, text) if kind is str else false()

    def _equal(self, field: Column, value: Scalar) -> SqlCondition:
        if isinstance(value, str):
            return self._one_of(field, [value])
        assert isinstance(value, int | float)  # noqa: S101  # _is said so
        return self.column(field) == number(value)

    def _one_of(self, field: Field, values: list[str]) -> SqlCondition:
        """Compare with texts, so that an index helps where there is one."""
        assert isinstance(field, Column)  # noqa: S101  # metadata has its own way
        if field is not Column.TYPE:
            found = _one_of(field, self.column(field), values)
            is_one_name = field is Column.NAME and len(values) == 1
            return self._where_path_holds(values[0], found) if is_one_name else found
        if not self._has_folders:
            return true() if "file" in values else false()
        kinds = [IS_FOLDER] * ("dir" in values) + [not_(IS_FOLDER)] * ("file" in values)
        return or_(false(), *kinds)

    def _holds(self, field: Column, text: str) -> SqlCondition:
        found = self._documents.holds(self.column(field), text)
        return self._where_path_holds(text, found) if field is Column.NAME else found

    def _where_path_holds(self, text: str, on_name: SqlCondition) -> SqlCondition:
        """Return a condition on names that hold a text: their paths do, which are looked at without
        cutting a name out of them."""
        return and_(self._documents.holds(_C.path, text), on_name)

    def _glob(self, field: Column, pattern: str) -> SqlCondition:
        on_path = _on_path(pattern) if field is Column.FILENAME and self._files_only else None
        if on_path is not None:
            return self._documents.glob(_C.path, on_path)
        found = self._documents.glob(self.column(field), pattern)
        literals = [piece for piece in pieces(pattern) if isinstance(piece, str)]
        if field is Column.NAME and literals:
            return self._where_path_holds(max(literals, key=len), found)
        return found

    def _on_document(self, node: Test, field: MetadataValue) -> SqlCondition:
        documents = self._documents
        match node:
            case Exists():
                return documents.exists(field)
            case Equal(_, value):
                return documents.equal(field, value)
            case Compare(_, operator, value):
                return documents.ordered(field, operator, value)
            case Glob(_, pattern):
                return documents.text_fits(field, lambda side: documents.glob(side, pattern))
            case Contains(_, text):
                return documents.text_fits(field, lambda side: documents.holds(side, text))


def _given_metadata(node: FilterNode) -> list[tuple[MetadataValue, Scalar]]:
    """Return the values of metadata of which an item has one at least; none, where it need not."""
    match node:
        case Equal(MetadataValue() as field, value) if value is not None:
            return [(field, value)]
        case Either(parts):
            found = list(map(_given_metadata, parts))
            return list(chain.from_iterable(found)) if all(found) else []
        case _:
            return []


def _holding(field: MetadataValue, value: Scalar) -> list[SqlCondition]:
    """Ask for the documents that contain the value, and those with an array that has it."""
    found: list[SqlCondition] = []
    for least in (value, [value]):
        document: Any = least
        for key in reversed(field.path):
            document = {key: document}
        least_text = literal(json.dumps(document, ensure_ascii=False), Text())
        found.append(_C.metadata.op("@>", is_comparison=True)(cast(least_text, JSONB)))
    return found


def _on_path(pattern: str) -> str | None:
    """Return the pattern that fits a file's path as one fits its name, which has a ``/`` before
    it; None if there is none. Making the name takes longer than matching it."""
    first, *rest = pieces(pattern) or [""]
    if isinstance(first, str):
        return pattern[1:] if first.startswith("/") else None
    following = rest[0] if rest else "x"
    free = isinstance(following, str) and not following.startswith("/")
    return pattern if first is Wild.ANY and free else None


def _is(value: Scalar, kind: type) -> bool:
    if kind is str:
        return isinstance(value, str)
    return isinstance(value, int | float) and not isinstance(value, bool)


def _one_of(field: Column, shown: SqlExpression, values: list[str]) -> SqlCondition:
    if field is Column.FILENAME:
        paths = [value[1:] for value in values if value.startswith("/")]
        spelled = [path for plain in paths for path in (plain, f"{plain}/")]
        return and_(_within(_C.path, spelled), _within(shown, values))
    if field is Column.DIR:
        folders = [value[1:] + "/" for value in values if value.startswith("/")]
        folders += [""] if "/" in values else []
        return and_(_within(_C.folder, folders), _within(shown, values))
    if field is Column.STORAGE_CLASS:
        return _within(_C.storage_class, [*filter(None, values), *[""] * (STANDARD in values)])
    return _within(shown, values)


def _within(side: SqlExpression, values: list[str]) -> SqlCondition:
    if len(values) == 1:
        return side == literal(values[0], Text())
    return side.in_(bindparam(None, values, type_=Text(), expanding=True))


def glob_range(node: FilterNode) -> SqlCondition | None:
    """Return the stretch of an indexed column that holds all that a glob can fit, if it has one."""
    if not isinstance(node, Glob) or node.field not in {Column.FILENAME, Column.DIR}:
        return None
    beginning = literal_prefix(node.pattern)[1:]
    if not node.pattern.startswith("/") or not beginning:
        return None
    side = _C.path if node.field is Column.FILENAME else _C.folder
    return and_(*beginning_with(side, beginning))


def beginning_with(side: SqlExpression, beginning: str) -> list[SqlCondition]:
    """Return the stretch of an indexed text that holds all that has a beginning."""
    above = _after(beginning)
    return [side >= beginning, *([] if above is None else [side < above])]


def _after(beginning: str) -> str | None:
    """Return the lowest text above all that have this beginning; None if there is none."""
    kept = beginning.rstrip(_LAST)
    if not kept:
        return None
    following = ord(kept[-1]) + 1
    return kept[:-1] + chr(_AFTER_SURROGATES if following == _SURROGATES else following)


def glob_folder(node: FilterNode) -> str | None:
    """Return the one folder that all lie in that a glob on filenames fits, if that is so."""
    if not isinstance(node, Glob) or node.field is not Column.FILENAME:
        return None
    folder, _, name = node.pattern.rpartition("/")
    if not node.pattern.startswith("/") or is_glob(folder) or "**" in name:
        return None
    return folder[1:] + "/" if folder else ""
