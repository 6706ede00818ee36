"""An installation with one of everything, and one caller of each kind."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import httpx2

from support.apps import app_of
from support.memory import KEY, OWNER, PASSWORD, ROLE, Memory, open_memory
from valetkey.catalog.domain.dataset import Item
from valetkey.domain.access import OrgRole, ProjectRole
from valetkey.domain.grants import SubjectKind
from valetkey.domain.people import Organization, OrgMember, User
from valetkey.domain.rotation import Rotation, Stage
from valetkey.domain.scope import AccessLevel
from valetkey.domain.token_limits import UNLIMITED, TokenLimits
from valetkey.identity.tokens import NewToken
from valetkey.services.grants import NewGrant
from valetkey.testing.buckets import etag_of

_NOW: Final = datetime(2026, 1, 1, tzinfo=UTC)
#: The kinds of caller, from whoever may the least to whoever may the most; then somebody who has a
#: grant alone, and programs: an owner's token, a developer's service account, and two tokens of a
#: developer that carry less, one reading alone, the other a folder that nobody asks for here.
CALLERS: Final = (
    "anonymous",
    "outsider",
    "member",
    "annotator",
    "annotationManager",
    "developer",
    "projectOwner",
    "orgOwner",
    "granted",
    "ownersToken",
    "serviceAccount",
    "readingToken",
    "limitedToken",
)
_PROJECT_ROLES: Final = {
    "annotator": ProjectRole.ANNOTATOR,
    "annotationManager": ProjectRole.ANNOTATION_MANAGER,
    "developer": ProjectRole.DEVELOPER,
    "projectOwner": ProjectRole.OWNER,
}


@dataclass
class World:
    """The application, ids of what there is by their names in paths, and tokens by caller."""

    http: httpx2.AsyncClient
    memory: Memory
    known: dict[str, str] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)

    def headers(self, caller: str) -> dict[str, str]:
        token = self.tokens.get(caller)
        return {"Authorization": f"Bearer {token}"} if token else {}


async def open_world() -> World:
    memory = await open_memory()
    app = app_of(memory)
    transport = httpx2.ASGITransport(app=app, client=("192.0.2.7", 4000))
    world = World(httpx2.AsyncClient(transport=transport, base_url="http://valetkey"), memory)
    await _people(world)
    await _things(world)
    await _programs(world)
    return world


async def open_owners_world() -> World:
    """One whose client is the organisation's owner, and whose location's objects may go."""
    world = await open_world()
    world.http.headers |= world.headers("orgOwner")
    async with world.memory.storage.begin() as work:
        location = await work.locations.get(world.known["locationId"])
        assert location is not None
        await work.locations.save(replace(location, allow_external_delete=True))
    return world


def at(world: World, rest: str) -> str:
    """Return an address below the dataset's."""
    return f"/v1/datasets/{world.known['datasetId']}/{rest}"


async def _people(world: World) -> None:
    memory = world.memory
    await memory.member("bystander@example.com", None)
    await memory.member("member@example.com", None)
    for caller, role in _PROJECT_ROLES.items():
        await memory.member(f"{caller.lower()}@example.com", role)
    outsider = User("e" * 24, "outsider@example.com", "", _NOW)
    async with memory.storage.begin() as work:
        stored = await work.users.by_email("member@example.com")
        assert stored is not None
        outsider = User("e" * 24, "outsider@example.com", stored.password_hash, _NOW)
        await work.users.add(outsider)
        await work.organizations.add(Organization("d" * 24, "Elsewhere", _NOW))
        await work.organizations.put_member(
            OrgMember("d" * 24, outsider.id, outsider.email, OrgRole.OWNER)
        )
    addresses = {caller: f"{caller.lower()}@example.com" for caller in CALLERS[1:7]}
    for caller, email in (addresses | {"orgOwner": OWNER}).items():
        login = await memory.services.accounts.login(email, PASSWORD)
        world.tokens[caller] = login.token.reveal()
    await memory.member("granted@example.com", None)
    login = await memory.services.accounts.login("granted@example.com", PASSWORD)
    world.tokens["granted"] = login.token.reveal()


async def _programs(world: World) -> None:
    memory, owner = world.memory, await world.memory.caller()
    services, location_id = memory.services, world.known["locationId"]
    reads = frozenset({AccessLevel.READ})
    grant = NewGrant(SubjectKind.USER, "granted@example.com", ("",), reads)
    await services.grants.create(owner, location_id, grant)
    developer = await memory.caller("developer@example.com")
    limited = TokenLimits(frozenset({location_id}), ("elsewhere/",), reads)
    for name, holder, limits in (
        ("ownersToken", owner, UNLIMITED),
        ("readingToken", developer, TokenLimits(levels=reads)),
        ("limitedToken", developer, limited),
    ):
        _, secret = await services.tokens.create(holder, NewToken(name, limits=limits))
        world.tokens[name] = secret.reveal()
    _, secret = await services.service_accounts.create_token(
        owner, world.known["serviceAccountId"], NewToken("program")
    )
    world.tokens["serviceAccount"] = secret.reveal()


async def _things(world: World) -> None:
    memory, known = world.memory, world.known
    location = await memory.location()
    known |= {
        "orgId": memory.org_id,
        "projectId": memory.project.id,
        "locationId": location.id,
        "integrationId": location.integration_id,
        "kind": "principal",
        "target": "bystander@example.com",
    }

    async def make(path: str, body: Any) -> Any:
        answer = await world.http.post(path, json=body, headers=world.headers("orgOwner"))
        assert answer.is_success, answer.text
        return answer.json()

    known["groupId"] = (await make(f"/v1/orgs/{memory.org_id}/groups", {"name": "them"}))["id"]
    grant = {"prefixes": [""], "access": ["read"], "user": "bystander@example.com"}
    known["grantId"] = (await make(f"/v1/locations/{location.id}/grants", grant))["id"]
    members = await memory.services.people.org_members(await memory.caller(), memory.org_id)
    known["userId"] = next(m.user_id for m in members if m.email == "bystander@example.com")
    wanted = {"prefixes": [""], "access": ["read"]}
    known["leaseId"] = (await make(f"/v1/locations/{location.id}/credentials", wanted))["leaseId"]
    end = {"kind": "lease", "target": known["leaseId"], "reason": "x"}
    known["revocationId"] = (await make("/v1/revocations", end))["revocations"][0]["id"]
    block = {"kind": "principal", "target": known["target"], "reason": "x", "refuseNew": True}
    await make("/v1/revocations", block)
    new = {"name": "data", "projectId": memory.project.id, "locationId": location.id}
    known["datasetId"] = (await make("/v1/datasets", new))["id"]
    known["operationId"] = (await make(f"/v1/datasets/{known['datasetId']}/syncs", {}))["id"]
    account = {"projectId": memory.project.id, "name": "jobs", "role": "developer"}
    known["serviceAccountId"] = (await make("/v1/service-accounts", account))["id"]
    await memory.services.sessions.sign_in(
        OWNER, PASSWORD, source="192.0.2.1", request_id="", browser="Firefox"
    )
    (session,) = await memory.services.sessions.own(await memory.caller())
    known["sessionId"] = session.id
    known["tokenId"] = (await make("/v1/tokens", {"name": "another"}))["id"]
    await memory.services.grants.put_member(
        await memory.caller(), memory.org_id, known["groupId"], known["target"]
    )
    await memory.services.rotations.schedule(
        await memory.caller(), location.integration_id, timedelta(days=30)
    )
    await _rotation(memory, location.integration_id)
    annotator = next(m.user_id for m in members if m.email == "annotator@example.com")
    known["projectUserId"] = annotator
    known["objectId"] = await _object(memory, known["datasetId"])
    memory.objects.place("acme", f"{location.prefix}a.jpg", b"x", storage_class="GLACIER")
    memory.objects.place("acme", f"{location.prefix}cold.jpg", b"x")


async def _rotation(memory: Memory, integration_id: str) -> None:
    """One that waits before its first step: the double of IAM knows no user to rotate."""
    rotation = Rotation(
        id="b" * 24,
        org_id=memory.org_id,
        integration_id=integration_id,
        user_arn="arn:aws:iam::000000000000:user/valetkey",
        stage=Stage.INTENDED,
        actor=OWNER,
        old_key_id=KEY[0],
        known=(KEY[0],),
        removable=(),
        by_administrator=True,
        grace=timedelta(days=1),
        started_at=_NOW,
        stage_at=_NOW,
    )
    async with memory.storage.begin() as work:
        await work.rotations.add(rotation)


async def _object(memory: Memory, dataset_id: str) -> str:
    async with memory.storage.begin() as work:
        dataset = await work.datasets.get(dataset_id)
        assert dataset is not None
        item = Item(
            *("a" * 24, dataset_id, "a.jpg", 1, etag_of(b"x"), "image/jpeg", OWNER),
            *(_NOW, _NOW, _NOW),
        )
        await work.items.put(dataset, item, touched_ms=0)
    return item.id


#: Bodies that are right in this installation; the others are the description's own examples.
def bodies(known: dict[str, str]) -> dict[str, Any]:
    return {
        "createIntegration": {
            "name": "another",
            "accessKeyId": KEY[0],
            "secretAccessKey": KEY[1].reveal(),
            "roleArn": ROLE,
            "orgId": known["orgId"],
        },
        "updateIntegration": {"name": "renamed"},
        "updateOrg": {"name": "renamed"},
        "createServiceAccount": {
            "projectId": known["projectId"],
            "name": "more-jobs",
            "role": "developer",
        },
        "createServiceAccountToken": {"name": "cron"},
        "createPasswordLink": {"email": known["target"]},
        "createLocation": {
            "name": "another",
            "bucket": "acme",
            "folder": "train/deeper/",
            "projectId": known["projectId"],
        },
        "checkNewLocation": {
            "name": "another",
            "bucket": "acme",
            "folder": "train/deeper/",
            "projectId": known["projectId"],
        },
        "updateLocation": {"name": "renamed"},
        "addOrgMember": {
            "email": "new@example.com",
            "role": "member",
            "password": PASSWORD.reveal(),
        },
        "createGrant": {"prefixes": [""], "access": ["read"], "user": "bystander@example.com"},
        "createProject": {"name": "another", "orgId": known["orgId"]},
        "createCredentialsByName": {
            "prefixes": [""],
            "access": ["read"],
            "location": known["locationId"],
        },
        "createCredentials": {"prefixes": [""], "access": ["read"]},
        "presign": {"keys": ["train/a.jpg"]},
        "presignByName": {"keys": ["train/a.jpg"], "location": known["locationId"]},
        "createRevocation": {
            "kind": "location",
            "target": known["locationId"],
            "reason": "x",
            "orgId": known["orgId"],
        },
        "createDataset": {
            "name": "another",
            "projectId": known["projectId"],
            "locationId": known["locationId"],
        },
        "createRotation": {},
        "createSync": {"parallel": 1},
        "createClone": {"targetId": known["datasetId"], "folder": "copies/"},
        "putRotationSchedule": {"everySeconds": 86400},
        "createLogin": {"email": OWNER, "password": PASSWORD.reveal()},
        "createToken": {"name": "mine"},
        "changePassword": {"old": PASSWORD.reveal(), "new": "purple monkey dishwasher"},
        "updateObject": {"description": "x"},
        "indexObjects": {"paths": ["cold.jpg"]},
        "createFolder": {"path": "made/"},
        "moveObjects": {"objectIds": [known["objectId"]], "folder": ""},
        "changeMatchingObjects": {"objectIds": [known["objectId"]], "metadata": {"user": {"x": 1}}},
        "deleteMatchingObjects": {"objectIds": [known["objectId"]]},
    }


def queries(known: dict[str, str]) -> dict[str, Any]:
    """Queries that are needed for an answer about this installation, and not about another."""
    return {
        "getContainerCredentials": {"prefix": "", "access": "read"},
        "getContainerCredentialsByName": {
            "prefix": "",
            "access": "read",
            "location": known["locationId"],
        },
        "listDatasets": {"projectId": known["projectId"]},
        "listServiceAccounts": {"projectId": known["projectId"]},
        "listLocations": {"projectId": known["projectId"]},
        "putObject": {"path": "b/new.txt", "replaces": "*"},
    }
