"""S3 storage drivers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Final

from litestar import delete, get, patch, post
from litestar.params import JSONBody, QueryParameter
from litestar.response import Stream

from valetkey.api.dependencies import Caller, Services
from valetkey.api.mapping import InputMapper
from valetkey.catalog.dataloop.wire.drivers import (
    DriverChangeIn,
    DriverIn,
    DriverOut,
    DriversByProviderOut,
)
from valetkey.catalog.dataloop.wire.reports import ReportOut, report_lines
from valetkey.domain.location import Location, LocationChange


async def _shapes(services: Services, drivers: Sequence[Location]) -> list[DriverOut]:
    types = await services.locations.types_of(drivers)
    return [
        DriverOut.of(
            driver,
            types.get(driver.integration_id, ""),
            client_endpoint=services.vending.endpoint(driver),
        )
        for driver in drivers
    ]


async def _shape(services: Services, driver: Location) -> DriverOut:
    [shape] = await _shapes(services, [driver])
    return shape


@post("/drivers", tags=["drivers"])
async def create_driver(services: Services, caller: Caller, data: JSONBody[DriverIn]) -> DriverOut:
    """Make a driver. The bucket is looked for at AWS, and its region stored."""
    return await _shape(services, await services.locations.create(caller, data.project, data.new))


@get("/drivers", tags=["drivers"])
async def list_drivers(
    services: Services, caller: Caller, project: Annotated[str, QueryParameter(name="projectId")]
) -> list[DriverOut]:
    """List a project's drivers by name."""
    return await _shapes(services, await services.locations.of_project(caller, project))


@get("/drivers/{project_id:str}/drivers-by-provider", tags=["drivers"])
async def drivers_by_provider(
    services: Services, caller: Caller, project_id: str
) -> DriversByProviderOut:
    """List a project's drivers by the kind of store."""
    drivers = await services.locations.of_project(caller, project_id)
    return DriversByProviderOut(s3=await _shapes(services, drivers))


@post("/drivers/test", status_code=204, tags=["drivers"])
async def try_driver(services: Services, caller: Caller, data: JSONBody[DriverIn]) -> None:
    """Find out whether a driver could be made, and make none (Dataloop's verb)."""
    await services.locations.try_out(caller, data.project, data.new)


@get("/drivers/{location_id:str}", tags=["drivers"])
async def show_driver(services: Services, caller: Caller, location_id: str) -> DriverOut:
    """Show a driver."""
    return await _shape(services, await services.locations.get(caller, location_id))


_change: Final = InputMapper(LocationChange, DriverChangeIn)


@patch("/drivers/{location_id:str}", tags=["drivers"])
async def change_driver(
    services: Services, caller: Caller, location_id: str, data: JSONBody[DriverChangeIn]
) -> DriverOut:
    """Rename a driver, or change whether deleting an item deletes its object."""
    changed = await services.locations.update(caller, location_id, _change(data))
    return await _shape(services, changed.location)


@delete("/drivers/{location_id:str}", tags=["drivers"])
async def delete_driver(services: Services, caller: Caller, location_id: str) -> None:
    """Forget a driver; its bucket is not touched."""
    await services.locations.delete(caller, location_id)


async def _test(services: Services, caller: Caller, location_id: str) -> ReportOut:
    report = await services.locations.verify(caller, location_id)
    return ReportOut.of(report, f"location:{location_id}")


@get("/drivers/{location_id:str}/test", tags=["drivers"])
async def test_driver(services: Services, caller: Caller, location_id: str) -> ReportOut:
    """List, write, read and delete a probe object under the driver's prefix (Dataloop's verb)."""
    return await _test(services, caller, location_id)


@post("/drivers/{location_id:str}/test", status_code=200, tags=["drivers"])
async def run_driver_test(services: Services, caller: Caller, location_id: str) -> ReportOut:
    """List, write, read and delete a probe object under the driver's prefix."""
    return await _test(services, caller, location_id)


@post(
    "/drivers/{location_id:str}/test/stream",
    status_code=200,
    media_type="application/x-ndjson",
    tags=["drivers"],
)
async def follow_driver_test(services: Services, caller: Caller, location_id: str) -> Stream:
    """Test, and send each check as soon as it is known: a JSON object a line, the report last."""
    await services.locations.get(caller, location_id)  # before the answer has begun
    events = services.locations.verify_stream(caller, location_id)
    lines = report_lines(events, f"location:{location_id}")
    return Stream(lines, media_type="application/x-ndjson")


ROUTES = (
    create_driver,
    try_driver,
    list_drivers,
    drivers_by_provider,
    show_driver,
    change_driver,
    delete_driver,
    test_driver,
    run_driver_test,
    follow_driver_test,
)
