"""The server as keeper of the secret: registers the integration and the location over REST."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from valetkey.domain import errors as ours
from valetkey.domain.credentials import AccessKey
from valetkey.domain.errors import Conflict, NotFound, ValetkeyError
from valetkey.domain.setup import Desired
from valetkey.domain.verification import Check, Outcome, Report
from valetkey.sdk import errors as theirs
from valetkey.sdk.client import AsyncClient
from valetkey.sdk.naming import only
from valetkey.wire import reports
from valetkey.wire.accounts import OwnProject
from valetkey.wire.integrations import Integration
from valetkey.wire.locations import Location


class ServerUnavailable(ValetkeyError):
    """The Valetkey server did not answer, or failed."""

    code = "server_unavailable"


#: The set-up knows the domain's errors: it takes a key back that could not be kept.
_ERRORS: Final[Mapping[type[theirs.ApiError], type[ValetkeyError]]] = {
    theirs.InvalidRequest: ours.InvalidInput,
    theirs.Unauthenticated: ours.Unauthenticated,
    theirs.Denied: ours.Denied,
    theirs.NotFound: ours.NotFound,
    theirs.Conflict: ours.Conflict,
    theirs.VersionMismatch: ours.Conflict,
    theirs.AwsRefused: ours.AwsRefused,
}


@contextmanager
def _in_our_words() -> Iterator[None]:
    """Raise the domain's error for the client library's."""
    try:
        yield
    except theirs.ApiError as error:
        kind = _ERRORS.get(type(error), ServerUnavailable)
        raise kind(error.message, hint=error.hint, code=error.code) from None


@dataclass(frozen=True, slots=True)
class ServerDestination:
    """Where on the server a set-up is registered; empty names are found out."""

    organization: str
    project: str
    integration: str
    location: str
    endpoint: str = ""


class ServerCustodian:
    """Implements ``KeyCustodian``: the integration holds the key, sealed at once."""

    def __init__(self, client: AsyncClient, place: ServerDestination) -> None:
        self._client = client
        self._place = place
        self._org = ""

    @property
    def name(self) -> str:
        return f"the integration {self._place.integration!r} on {self._client.url}"

    async def holds(self) -> str:
        with _in_our_words():
            found = await self._integration()
        return (found.access_key_id or "") if found else ""

    async def keep(self, key: AccessKey, desired: Desired) -> None:
        with _in_our_words():
            found = await self._integration()
            if found is None:
                await self._client.integrations.create(
                    name=self._place.integration,
                    org_id=await self._org_id(),
                    access_key_id=key.id,
                    secret_access_key=key.secret.reveal(),
                    role_arn=desired.role_arn,
                    verify=False,
                )
                return
            if found.role_arn != desired.role_arn:
                raise Conflict(
                    f"The integration {self._place.integration!r} is there already, for another "
                    f"role: {found.role_arn}.",
                    hint="Give this set-up's integration another name: --integration.",
                )
            await self._client.integrations.update(
                found.id, access_key_id=key.id, secret_access_key=key.secret.reveal()
            )

    async def prove(self, desired: Desired) -> Report:
        del desired
        with _in_our_words():
            found = await self._integration()
            if found is None:
                claim = f"{self.name} is there."
                cause = "The server has no integration of this name."
                return Report((Check("integration", claim, Outcome.FAILED, cause, "Run apply."),))
            return _report(await self._client.integrations.verify(found.id))

    async def complete(self, desired: Desired) -> tuple[str, ...]:
        done = [f"The integration {self._place.integration!r} is registered."]
        with _in_our_words():
            project = await self._project()
            if await self._location(project.id, desired) is None:
                await self._new_location(project.id, desired)
        where = f"s3://{desired.bucket}/{desired.folder}"
        done.append(f"The location {self._place.location!r} of {project.name} opens {where}.")
        return tuple(done)

    async def release(self, desired: Desired) -> tuple[str, ...]:
        done = []
        with _in_our_words():
            found = await self._integration()
            if found is None:
                return ()
            location = await self._location((await self._project()).id, desired)
            if location is not None:
                await self._client.locations.delete(location.id)
                done.append(f"Removed the location {self._place.location!r}.")
            await self._client.integrations.delete(found.id)
            done.append(f"Removed the integration {self._place.integration!r}.")
        return tuple(done)

    async def _org_id(self) -> str:
        if not self._org:
            owned = [
                org for org in (await self._client.accounts.get_me()).orgs if org.role == "owner"
            ]
            self._org = only(owned, "organisation", self._place.organization).id
        return self._org

    async def _integration(self) -> Integration | None:
        of = await self._org_id()
        found = self._client.integrations.list(org_id=of, name=self._place.integration)
        return await anext(found, None)

    async def _project(self) -> OwnProject:
        of = await self._org_id()
        mine = (await self._client.accounts.get_me()).projects
        return only([each for each in mine if each.org_id == of], "project", self._place.project)

    async def _location(self, project_id: str, desired: Desired) -> Location | None:
        named = self._client.locations.list(project_id=project_id, name=self._place.location)
        found = await anext(named, None)
        if found is not None and found.bucket != desired.bucket:
            raise Conflict(
                f"The location {self._place.location!r} is there already, for the bucket "
                f"{found.bucket}.",
                hint="Give this set-up's location another name: --location.",
            )
        return found

    async def _new_location(self, project_id: str, desired: Desired) -> None:
        integration = await self._integration()
        if integration is None:
            raise NotFound(f"{self.name} is gone.", hint="Run apply again.")
        await self._client.locations.create(
            name=self._place.location,
            bucket=desired.bucket,
            project_id=project_id,
            integration_id=integration.id,
            folder=desired.folder or None,
            region=desired.region,
            endpoint=self._place.endpoint or None,
        )


def _report(found: reports.Report) -> Report:
    return Report(
        tuple(
            Check(
                name=check.name,
                claim=check.claim,
                outcome=Outcome(check.outcome),
                cause=check.cause or "",
                fix=check.fix or "",
                aws_error=check.aws_error or "",
                seconds=check.seconds,
                subject=check.subject or "",
                layer=check.layer or "",
                advisory=check.advisory,
            )
            for check in found.checks
        )
    )
