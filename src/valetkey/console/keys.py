"""An integration's key: rotate, schedule; and switching the integration off."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from litestar import Response, get, post

from valetkey.console.checks import refused
from valetkey.console.dependencies import Reader, Segment, Services
from valetkey.console.http import HttpRequest, HttpResponse
from valetkey.console.web import fields, go_to
from valetkey.domain.errors import AwsRefused, AwsUnavailable, Conflict, InvalidInput
from valetkey.domain.rotation import ENDS, Rotation, Stage
from valetkey.services.rotation.rotations import RotationStatus

#: The way of a rotation that goes well, and what each stage means to people.
STAGES: Final = (
    (Stage.INTENDED, "The intent is stored"),
    (Stage.CREATED, "AWS has made a new key"),
    (Stage.SEALED, "Its secret is sealed"),
    (Stage.PROVEN, "It is proven: it opens the role"),
    (Stage.SWITCHED, "Credentials are made with it"),
    (Stage.DEACTIVATED, "The old key is switched off"),
    (Stage.DONE, "The old key is deleted"),
)
PERIODS: Final = (("", "never"), ("30", "every 30 days"), ("90", "every 90 days"))


def is_moving(rotation: Rotation | None) -> bool:
    """Tell whether a rotation takes its next step within moments."""
    return (
        rotation is not None
        and rotation.stage not in ENDS
        and not rotation.problem
        and rotation.is_due(datetime.now(UTC))
    )


def rotation_context(status: RotationStatus) -> dict[str, Any]:
    """Return what the template of a rotation needs."""
    rotation = status.rotation
    reached = {step.stage: step.at for step in rotation.steps} if rotation else {}
    every = str(status.schedule.every.days) if status.schedule else ""
    return {
        "rotation": rotation,
        "schedule": status.schedule,
        "every": every,
        "stages": [(title, reached.get(stage)) for stage, title in STAGES],
        "moving": is_moving(rotation),
        "periods": PERIODS,
    }


@get("/integrations/{integration_id:str}/rotation")
async def show_rotation(
    services: Services, reader: Reader, integration_id: Segment
) -> Response[str]:
    """Show how far a rotation is."""
    integration = await services.integrations.get(reader.caller, integration_id)
    status = await services.rotations.status(reader.caller, integration_id)
    return reader.part(
        "integrations/rotation_news.html",
        integration=integration,
        now=services.clock.now(),
        on_page=True,
        report=None,
        **rotation_context(status),
    )


@get("/integrations/{integration_id:str}/rotate")
async def ask_to_rotate(
    services: Services, reader: Reader, integration_id: Segment
) -> Response[str]:
    """Ask before a key is replaced, saying what will happen to it."""
    integration = await services.integrations.get(reader.caller, integration_id)
    return reader.part("integrations/rotate.html", integration=integration)


@post("/integrations/{integration_id:str}/rotate")
async def rotate(services: Services, reader: Reader, integration_id: Segment) -> HttpResponse:
    """Start to replace the key, or go on with the rotation under way; it goes on by itself."""
    try:
        rotation = await services.rotations.start(reader.caller, integration_id)
    except (Conflict, InvalidInput, AwsRefused, AwsUnavailable) as error:
        return refused(error, {}, otherwise="rotate-error")
    services.rotations.advance_soon(rotation.id)
    return Response(
        b"", status_code=200, headers={"HX-Redirect": f"/console/integrations/{integration_id}"}
    )


@post("/integrations/{integration_id:str}/rotation/cancel")
async def cancel_rotation(
    services: Services, reader: Reader, integration_id: Segment
) -> HttpResponse:
    """End the rotation under way, whatever stage it has reached: the key that is held stays."""
    rotation = await services.rotations.cancel(reader.caller, integration_id)
    services.rotations.advance_soon(rotation.id)
    return go_to(f"/integrations/{integration_id}?done=rotation-cancelled")


@post("/integrations/{integration_id:str}/schedule", status_code=200)
async def schedule(
    request: HttpRequest, services: Services, reader: Reader, integration_id: Segment
) -> Response[str]:
    """Rotate every so often, or never."""
    days = (await fields(request)).get("every", "")
    known = {value for value, _ in PERIODS if value}
    every = timedelta(days=int(days)) if days in known else None
    await services.rotations.schedule(reader.caller, integration_id, every)
    integration = await services.integrations.get(reader.caller, integration_id)
    status = await services.rotations.status(reader.caller, integration_id)
    return reader.part(
        "integrations/rotation.html", integration=integration, **rotation_context(status)
    )


@post("/integrations/{integration_id:str}/disable")
async def disable(services: Services, reader: Reader, integration_id: Segment) -> HttpResponse:
    """Give no credentials through an integration any more."""
    await services.integrations.disable(reader.caller, integration_id)
    return go_to(f"/integrations/{integration_id}?done=integration-changed")


@post("/integrations/{integration_id:str}/enable")
async def enable(services: Services, reader: Reader, integration_id: Segment) -> HttpResponse:
    """Give credentials through it again."""
    await services.integrations.enable(reader.caller, integration_id)
    return go_to(f"/integrations/{integration_id}?done=integration-changed")


ROUTES = (
    show_rotation,
    ask_to_rotate,
    rotate,
    cancel_rotation,
    schedule,
    disable,
    enable,
)
