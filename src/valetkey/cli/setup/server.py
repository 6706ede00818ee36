"""The server as keeper of the secret: registers the integration and the driver over REST."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, urlsplit

import httpx

from valetkey.domain.credentials import AccessKey
from valetkey.domain.errors import (
    AwsRefused,
    Conflict,
    Denied,
    InvalidInput,
    Locked,
    NotFound,
    TooManyRequests,
    Unauthenticated,
    ValetkeyError,
)
from valetkey.domain.secret import Secret
from valetkey.domain.setup import Desired
from valetkey.domain.verification import Check, Outcome, Report

_ERRORS: Final[Mapping[int, type[ValetkeyError]]] = {
    400: InvalidInput,
    401: Unauthenticated,
    403: Denied,
    404: NotFound,
    409: Conflict,
    423: Locked,
    424: AwsRefused,
    429: TooManyRequests,
}
_TIMEOUT_SECONDS: Final = 60.0


class ServerUnavailable(ValetkeyError):
    """The Valetkey server did not answer, or failed."""

    code = "server_unavailable"


class ServerApi:
    """JSON over HTTP to one server, with one token."""

    def __init__(self, url: str, token: Secret) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise InvalidInput(
                f"{url[:200]!r} is not the address of a server.",
                hint="It has the form https://valetkey.example.com.",
                field="url",
            )
        loopback = parts.hostname in {"localhost", "127.0.0.1", "::1"}
        if parts.scheme == "http" and not loopback:
            raise InvalidInput(
                f"The secret would travel unencrypted to {parts.hostname}.",
                hint="Use https.",
                field="url",
            )
        self.url = url.rstrip("/")
        self._client = httpx.AsyncClient(
            base_url=f"{self.url}/api/v1",
            headers={"Authorization": f"Bearer {token.reveal()}"},
            timeout=_TIMEOUT_SECONDS,
        )

    async def request(self, method: str, path: str, body: Any = None) -> Any:
        """Send one request. Raises the ValetkeyError that the server means; ServerUnavailable."""
        try:
            answer = await self._client.request(method, path, json=body)
        except httpx.HTTPError as error:
            # Not chained: the request at hand may hold the secret.
            reason = str(error) or type(error).__name__
            raise ServerUnavailable(
                f"The server {self.url} did not answer: {reason}",
                hint="See that it runs (valetkey serve) and that the address is right.",
            ) from None
        if answer.is_success:
            return answer.json() if answer.content else None
        raise self._error(answer)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    def _error(self, answer: httpx.Response) -> ValetkeyError:
        try:
            body = answer.json()
        except ValueError:
            body = {}
        told = body if isinstance(body, Mapping) else {}
        message = str(told.get("message") or f"The server answered {answer.status_code}.")
        kind = _ERRORS.get(answer.status_code, ServerUnavailable)
        return kind(message, hint=str(told.get("hint", "")), code=str(told.get("code", "")))


@dataclass(frozen=True, slots=True)
class Place:
    """Where on the server a set-up is registered; empty names are found out."""

    organization: str
    project: str
    integration: str
    driver: str
    endpoint: str = ""


class ServerCustodian:
    """Implements ``KeyCustodian``: the integration holds the key, sealed at once."""

    def __init__(self, api: ServerApi, place: Place) -> None:
        self._api = api
        self._place = place
        self._org = ""

    @property
    def name(self) -> str:
        return f"the integration {self._place.integration!r} on {self._api.url}"

    async def holds(self) -> str:
        found = await self._integration()
        return str(found["key"]) if found else ""

    async def keep(self, key: AccessKey, desired: Desired) -> None:
        path = await self._integrations_path()
        options = {
            "key": key.id,
            "secret": key.secret.reveal(),
            "roleArns": desired.role_arn,
        }
        found = await self._integration()
        if found is None:
            new = {"type": "aws-sts", "name": self._place.integration, "options": options}
            await self._api.request("POST", f"{path}?verify=false", new)
            return
        if found["roleArn"] != desired.role_arn:
            raise Conflict(
                f"The integration {self._place.integration!r} is there already, for another role: "
                f"{found['roleArn']}.",
                hint="Give this set-up's integration another name: --integration.",
            )
        change = {
            "integrationId": found["id"],
            "credentials": {"options": options, "type": "aws-sts"},
        }
        await self._api.request("PATCH", path, change)

    async def prove(self, desired: Desired) -> Report:
        del desired
        found = await self._integration()
        if found is None:
            claim = f"{self.name} is there."
            cause = "The server has no integration of this name."
            return Report((Check("integration", claim, Outcome.FAILED, cause, "Run apply."),))
        path = f"{await self._integrations_path()}/{found['id']}/verify"
        return _report(await self._api.request("POST", path))

    async def complete(self, desired: Desired) -> tuple[str, ...]:
        done = [f"The integration {self._place.integration!r} is registered."]
        project = await self._project()
        if await self._driver(project["id"], desired) is None:
            await self._api.request("POST", "/drivers", await self._new_driver(project, desired))
        where = f"s3://{desired.bucket}/{desired.folder}"
        done.append(f"The driver {self._place.driver!r} of {project['name']} opens {where}.")
        return tuple(done)

    async def release(self, desired: Desired) -> tuple[str, ...]:
        found = await self._integration()
        if found is None:
            return ()
        done = []
        project = await self._project()
        driver = await self._driver(project["id"], desired)
        if driver is not None:
            await self._api.request("DELETE", f"/drivers/{driver['id']}")
            done.append(f"Removed the driver {self._place.driver!r}.")
        await self._api.request("DELETE", f"{await self._integrations_path()}/{found['id']}")
        done.append(f"Removed the integration {self._place.integration!r}.")
        return tuple(done)

    async def _integrations_path(self) -> str:
        if not self._org:
            me = await self._api.request("GET", "/users/me")
            owned = [org for org in me["orgs"] if org.get("role") == "owner"]
            org = _one(owned, self._place.organization, "organisation", "--organization")
            self._org = org["id"]
        return f"/orgs/{quote(self._org, safe='')}/integrations"

    async def _integration(self) -> Mapping[str, Any] | None:
        found = await self._api.request("GET", await self._integrations_path())
        return _named(found, self._place.integration)

    async def _project(self) -> Mapping[str, Any]:
        found = await self._api.request("GET", "/projects")
        return _one(_items(found), self._place.project, "project", "--project")

    async def _driver(self, project_id: str, desired: Desired) -> Mapping[str, Any] | None:
        query = f"/drivers?projectId={quote(project_id, safe='')}"
        driver = _named(await self._api.request("GET", query), self._place.driver)
        if driver is not None and driver["bucketName"] != desired.bucket:
            raise Conflict(
                f"The driver {self._place.driver!r} is there already, for the bucket "
                f"{driver['bucketName']}.",
                hint="Give this set-up's driver another name: --driver.",
            )
        return driver

    async def _new_driver(self, project: Mapping[str, Any], desired: Desired) -> dict[str, Any]:
        integration = await self._integration()
        if integration is None:
            raise NotFound(f"{self.name} is gone.", hint="Run apply again.")
        return {
            "integrationId": integration["id"],
            "integrationType": "aws-sts",
            "name": self._place.driver,
            "metadata": {"system": {"projectId": project["id"]}},
            "type": "s3",
            "payload": {
                "bucketName": desired.bucket,
                "region": desired.region,
                "path": desired.folder,
                "storageClass": "",
            }
            | ({"endpoint": self._place.endpoint} if self._place.endpoint else {}),
            "allowExternalDelete": False,
        }


def _items(answer: Any) -> list[Mapping[str, Any]]:
    return list(answer["items"] if isinstance(answer, Mapping) else answer)


def _named(answer: Any, name: str) -> Mapping[str, Any] | None:
    return next((item for item in _items(answer) if item["name"] == name), None)


def _one(items: list[Mapping[str, Any]], wanted: str, kind: str, option: str) -> Mapping[str, Any]:
    """Return the item of this name or id; without one, the only item there is."""
    matching = [item for item in items if not wanted or wanted in {item["id"], item["name"]}]
    if len(matching) == 1:
        return matching[0]
    if not matching:
        what = f"{kind} {wanted!r}" if wanted else f"{kind} that you may use"
        raise NotFound(f"The server has no {what}.", hint=f"Name another with {option}.")
    names = ", ".join(sorted(item["name"] for item in matching))
    raise InvalidInput(f"There are several to choose from: {names}.", hint=f"Use {option}.")


def _report(answer: Mapping[str, Any]) -> Report:
    return Report(
        tuple(
            Check(
                name=check["name"],
                claim=check["claim"],
                outcome=Outcome(check["outcome"]),
                cause=check.get("cause", ""),
                fix=check.get("fix", ""),
                aws_error=check.get("awsError", ""),
                seconds=check.get("seconds", 0.0),
                subject=check.get("subject", ""),
                layer=check.get("layer", ""),
                advisory=check.get("advisory", False),
            )
            for check in answer["checks"]
        )
    )
