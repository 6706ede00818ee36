"""Which location is meant by a name."""

from __future__ import annotations

from valetkey.counting import counted
from valetkey.domain.errors import Conflict
from valetkey.domain.ids import is_id
from valetkey.services.audit import Caller
from valetkey.services.lookup import missing
from valetkey.services.registry import Services


async def find_location(services: Services, caller: Caller, location: str) -> str:
    """Return the id of the location that has this id, or this name among all that the caller may
    see. Raises NotFound, Conflict (several have the name)."""
    if is_id(location):
        return location
    found = await services.locations.visible(caller, name=location)
    if not found:
        raise missing(f"location:{location[:80]}")
    if len(found) > 1:
        raise Conflict(
            f"{counted(len(found), 'location')} have the name {location[:80]!r}.",
            hint="Use the id: " + ", ".join(each.id for each in found[:5]) + ".",
            code="name_ambiguous",
            field="location",
        )
    return found[0].id
