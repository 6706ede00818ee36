"""An index of many items, written by the database itself in seconds."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from valetkey.catalog.domain.dataset import Dataset

#: Items of one folder, which all lie together.
PER_FOLDER: Final = 100
#: The first moment of an item, and how far apart two are, in milliseconds.
FIRST_MS: Final = 1_760_000_000_000
STEP_MS: Final = 1_000
_NUMBERS: Final = {
    "sqlite": (
        "WITH RECURSIVE n(i) AS "
        "(SELECT :first UNION ALL SELECT i + 1 FROM n WHERE i + 1 < :first + :count)",
        "printf('%0{width}d', {value})",
        "json_object('user', json_object('tag', 'tag-' || (i % 1000), 'score', i % 100, "
        "'tags', json_array('t' || (i % 50), 'all')))",
        "printf('%024x', i + 1)",
    ),
    "postgresql": (
        "WITH n(i) AS (SELECT generate_series(CAST(:first AS bigint), "
        "CAST(:first AS bigint) + CAST(:count AS bigint) - 1))",
        "lpad(({value})::text, {width}, '0')",
        "jsonb_build_object('user', jsonb_build_object('tag', 'tag-' || (i % 1000), "
        "'score', i % 100, 'tags', jsonb_build_array('t' || (i % 50), 'all')))",
        "lpad(to_hex(i + 1), 24, '0')",
    ),
}
_INSERT: Final = """
INSERT INTO items (dataset, path, id, folder, size, etag, mimetype, creator, modified_ms,
                   created_ms, updated_ms, touched_ms, metadata)
{numbers}
SELECT :dataset, 'set/d' || {folder} || '/img_' || {name} || ending, {id},
       'set/d' || {folder} || '/',
       (i * 7919) % 1000000, 'etag' || i, mimetype, 'ada@example.com', :moment + i * :step,
       :moment + i * :step, :moment + ((i * 37) % 1000) * :step, 0,
       CASE WHEN i % 5 = 0 THEN {document} END
FROM (SELECT i, CASE i % 10 WHEN 0 THEN '.png' WHEN 1 THEN '.json' ELSE '.jpg' END AS ending,
             CASE i % 10 WHEN 0 THEN 'image/png' WHEN 1 THEN 'application/json'
                         ELSE 'image/jpeg' END AS mimetype
      FROM n) AS m
"""


async def fill(
    connection: AsyncConnection, dataset: Dataset, count: int, *, first: int = 0
) -> None:
    """Add items with numbers from ``first`` on: ``/set/d00012/img_0001234.jpg``, a fifth of them
    with metadata. Each folder has :data:`PER_FOLDER`."""
    numbers, digits, document, item_id = _NUMBERS[connection.dialect.name]
    statement = _INSERT.format(
        numbers=numbers,
        folder=digits.format(width=5, value=f"i / {PER_FOLDER}"),
        name=digits.format(width=7, value="i"),
        id=item_id,
        document=document,
    )
    values: dict[str, Any] = {
        "first": first,
        "count": count,
        "dataset": dataset.number,
        "moment": FIRST_MS,
        "step": STEP_MS,
    }
    await connection.execute(text(statement), values)
    await connection.execute(
        text("UPDATE datasets SET item_count = item_count + :count WHERE number = :dataset"),
        {"count": count, "dataset": dataset.number},
    )
