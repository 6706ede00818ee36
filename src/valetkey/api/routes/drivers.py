"""S3 storage drivers."""

from __future__ import annotations

from typing import Annotated, Any, Final

from litestar import delete, get, patch, post
from litestar.params import Parameter

from valetkey.api import wire
from valetkey.domain.errors import InvalidInput
from valetkey.services.audit import Caller
from valetkey.services.drivers import NewDriver
from valetkey.services.registry import Services


def _order(data: wire.NewDriver) -> tuple[str, NewDriver]:
    if data.type != "s3":
        raise InvalidInput(
            f"{data.type[:40]!r} is not a type of driver.", hint="Use s3.", field="type"
        )
    payload = data.payload
    new = NewDriver(
        name=data.name,
        integration_id=data.integration_id,
        bucket=payload.bucket_name,
        folder=payload.path,
        region=payload.region,
        endpoint=payload.endpoint,
        storage_class=payload.storage_class,
        allow_external_delete=data.allow_external_delete,
    )
    return data.metadata.system.project_id or data.project_id, new


@post("/drivers", status_code=201, tags=["drivers"])
async def create_driver(services: Services, caller: Caller, data: wire.NewDriver) -> dict[str, Any]:
    """Make a driver. The bucket is looked for at AWS, and its region stored."""
    project_id, new = _order(data)
    return wire.driver_out(await services.drivers.create(caller, project_id, new))


@get("/drivers", tags=["drivers"])
async def list_drivers(
    services: Services, caller: Caller, project: Annotated[str, Parameter(query="projectId")]
) -> list[dict[str, Any]]:
    """List a project's drivers by name."""
    return [wire.driver_out(d) for d in await services.drivers.of_project(caller, project)]


@get("/drivers/{project_id:str}/drivers-by-provider", tags=["drivers"])
async def drivers_by_provider(
    services: Services, caller: Caller, project_id: str
) -> dict[str, list[dict[str, Any]]]:
    """List a project's drivers by the kind of store."""
    drivers = await services.drivers.of_project(caller, project_id)
    return {"s3": [wire.driver_out(driver) for driver in drivers]}


@get("/drivers/{driver_id:str}", tags=["drivers"])
async def show_driver(services: Services, caller: Caller, driver_id: str) -> dict[str, Any]:
    """Show a driver."""
    return wire.driver_out(await services.drivers.get(caller, driver_id))


@patch("/drivers/{driver_id:str}", tags=["drivers"])
async def change_driver(
    services: Services, caller: Caller, driver_id: str, data: wire.DriverChange
) -> dict[str, Any]:
    """Rename a driver, or change whether deleting an item deletes its object."""
    driver = await services.drivers.update(
        caller, driver_id, name=data.name, allow_external_delete=data.allow_external_delete
    )
    return wire.driver_out(driver)


@delete("/drivers/{driver_id:str}", tags=["drivers"])
async def delete_driver(services: Services, caller: Caller, driver_id: str) -> None:
    """Forget a driver; its bucket is not touched."""
    await services.drivers.delete(caller, driver_id)


async def _test(services: Services, caller: Caller, driver_id: str) -> dict[str, Any]:
    report = await services.drivers.test(caller, driver_id)
    return wire.report_out(report, f"driver:{driver_id}")


@get("/drivers/{driver_id:str}/test", tags=["drivers"])
async def test_driver(services: Services, caller: Caller, driver_id: str) -> dict[str, Any]:
    """List, write, read and delete a probe object under the driver's prefix (Dataloop's verb)."""
    return await _test(services, caller, driver_id)


@post("/drivers/{driver_id:str}/test", status_code=200, tags=["drivers"])
async def run_driver_test(services: Services, caller: Caller, driver_id: str) -> dict[str, Any]:
    """List, write, read and delete a probe object under the driver's prefix."""
    return await _test(services, caller, driver_id)


HANDLERS: Final = (
    create_driver,
    list_drivers,
    drivers_by_provider,
    show_driver,
    change_driver,
    delete_driver,
    test_driver,
    run_driver_test,
)
