from __future__ import annotations

import html
import re
from datetime import timedelta

from support.console import Visitor
from valetkey.domain.scope import AccessLevel
from valetkey.services.vending import VendRequest


def rows(text: str) -> list[str]:
    """The records of a page, as words."""
    body = text.partition("<tbody>")[2].partition("</tbody>")[0]
    return [
        html.unescape(" ".join(re.sub("<[^>]+>", " ", row).split()))
        for row in body.split("</tr>")[:-1]
    ]


async def vend(owner: Visitor) -> None:
    location = await owner.memory.location("pictures")
    order = VendRequest(prefixes=("cats/",), levels=frozenset({AccessLevel.LIST, AccessLevel.READ}))
    await owner.memory.services.vending.vend(await owner.memory.caller(), location.id, order)


async def test_a_record_names_the_location_the_folder_and_the_access(owner: Visitor) -> None:
    await vend(owner)
    [row] = rows((await owner.get("/audit?action=credentials.vend")).text)
    assert "pictures location:" in row
    assert "list, read in train/cats/" in row


async def test_records_are_found_by_day_and_the_address_keeps_the_filter(owner: Visitor) -> None:
    clock = owner.memory.clock
    first = clock.now()
    await vend(owner)
    clock.advance(timedelta(days=3).total_seconds())
    await owner.sign_in()
    await owner.post("/projects", {"project-name": "later"})
    day, later = first.date().isoformat(), clock.now().date().isoformat()
    early = (await owner.get(f"/audit?since={day}&until={day}")).text
    assert any("credentials.vend" in row for row in rows(early))
    assert not any("project.create" in row and "later" in row for row in rows(early))
    late = (await owner.get(f"/audit?since={later}")).text
    assert any("project.create" in row for row in rows(late))
    assert not any("credentials.vend" in row for row in rows(late))
    assert f'name="since" type="date" value="{later}"' in late
    assert f"since={later}" in html.unescape(late.partition("/audit/export?")[2].partition('"')[0])
    export = (await owner.get(f"/audit/export?since={later}&format=csv")).text
    assert "project.create" in export
    assert "credentials.vend" not in export


async def test_a_day_that_is_none_is_said_to_be_none(owner: Visitor) -> None:
    page = await owner.get("/audit?since=yesterday")
    assert page.status_code == 200
    assert "This is no day." in page.text
    assert (await owner.get("/audit/export?since=9999-99-99")).status_code == 422
