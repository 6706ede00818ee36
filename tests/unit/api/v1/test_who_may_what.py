"""Each operation and each kind of caller: who is refused, and who is not."""

from __future__ import annotations

import asyncio
from typing import Any, Final

import pytest

from support.described import DOCUMENT
from support.every_caller import CALLERS, World, bodies, open_world, queries

OPERATIONS = {
    operation["operationId"]: (method.upper(), path, operation)
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
}
REFUSED: Final = {401, 403, 404}


async def status_of(world: World, operation_id: str, caller: str) -> int:
    method, path, operation = OPERATIONS[operation_id]
    body = operation.get("requestBody", {}).get("content", {})
    query = dict(queries(world.known).get(operation_id, {}))
    names = {parameter.get("name") for parameter in operation["parameters"]}
    if "orgId" in names and "{orgId}" not in path:
        query["orgId"] = world.known["orgId"]
    answer = await world.http.request(
        method,
        path.format(**world.known | _instead(operation_id, world.known)),
        params=query,
        headers=world.headers(caller),
        **_body(operation_id, body, bodies(world.known)),
    )
    return answer.status_code


def _body(operation_id: str, described: Any, own: dict[str, Any]) -> dict[str, Any]:
    if "application/octet-stream" in described:
        return {"content": b"new"}
    example = described.get("application/json", {}).get("example")
    return {"json": own.get(operation_id, example)}


def _instead(operation_id: str, known: dict[str, str]) -> dict[str, str]:
    in_project = operation_id in {"getProjectMember", "removeProjectMember"}
    return {"userId": known["projectUserId"]} if in_project else {}


async def all_statuses() -> dict[str, dict[str, int]]:
    """Ask everything as everybody, each time of an installation as it was."""
    world = await open_world()
    saved = world.memory.storage.snapshot()
    found: dict[str, dict[str, int]] = {}
    for operation_id in OPERATIONS:
        found[operation_id] = {}
        for caller in CALLERS:
            world.memory.storage.restore(saved)
            found[operation_id][caller] = await status_of(world, operation_id, caller)
    await world.http.aclose()
    return found


@pytest.fixture(scope="module")
def seen() -> dict[str, dict[str, int]]:
    return asyncio.run(all_statuses())


_PEOPLE: Final = CALLERS[1:8]


def _from(caller: str, *more: str) -> set[str]:
    """Return a kind of caller, whoever may more, and others beside them."""
    return set(_PEOPLE[_PEOPLE.index(caller) :]) | set(more)


ANYBODY: Final = set(CALLERS)
#: An API token opens data and reads; it manages nobody, and makes no tokens and no logins.
TOKEN: Final = "ownersToken"
SERVICE, READING, LIMITED = "serviceAccount", "readingToken", "limitedToken"
#: Programs with a developer's rights; and a person with a grant and no role.
PROGRAMS, GRANTED = (SERVICE, READING, LIMITED), "granted"
SIGNED_IN = _from("outsider", GRANTED, TOKEN, *PROGRAMS)
LOGIN = _from("outsider", GRANTED)
READS_ORG = _from("member", GRANTED, TOKEN, *PROGRAMS)
MAKES_PROJECTS = _from("member", GRANTED)
READS_PROJECT = _from("annotator", TOKEN, *PROGRAMS)
#: An index tells of more than a token with limits was given for.
READS_DATASETS, DATA = _from("annotator", TOKEN, SERVICE), _from("developer", TOKEN, SERVICE)
SEES_LOCATIONS = _from("developer", GRANTED, TOKEN, *PROGRAMS)
VENDS = _from("developer", GRANTED, TOKEN, SERVICE, READING)
BUILDS, RUNS_PROJECT, RUNS_ORG = _from("developer"), _from("projectOwner"), _from("orgOwner")
READS_ALL: Final = _from("orgOwner", TOKEN)

#: Who may, whatever comes of it. A new operation without a row fails.
ROWS: Final[dict[str, set[str]]] = {
    "createLogin": ANYBODY,
    "renewLogin": set(),  # with a login's token in the body, which the example is not
    "getMe": SIGNED_IN,
    "listOrgs": SIGNED_IN,
    "listProjects": SIGNED_IN,
    "changePassword": LOGIN,
    "signOutEverywhere": LOGIN,
    "createToken": LOGIN,
    "listSessions": LOGIN,
    **dict.fromkeys(("getSession", "endSession"), RUNS_ORG),  # the owner's own
    "usePasswordLink": set(),  # with a link that there is, which the example is not
    "createPasswordLink": RUNS_ORG,
    **dict.fromkeys(("listServiceAccounts", "createServiceAccount"), RUNS_PROJECT),
    **dict.fromkeys(("getServiceAccount", "deleteServiceAccount"), RUNS_PROJECT),
    **dict.fromkeys(("listServiceAccountTokens", "createServiceAccountToken"), RUNS_PROJECT),
    "listTokens": RUNS_ORG,  # of the whole organisation
    "getToken": RUNS_ORG,  # the owner's own
    "revokeToken": RUNS_ORG,
    **dict.fromkeys(
        ("getOrg", "listOrgMembers", "getOrgMember", "listGroups", "getGroup"), READS_ORG
    ),
    **dict.fromkeys(("listGroupMembers", "getGroupMember", "listLeases"), READS_ORG),
    "createProject": MAKES_PROJECTS,
    "updateOrg": RUNS_ORG,
    **dict.fromkeys(("addOrgMember", "updateOrgMember", "removeOrgMember"), RUNS_ORG),
    **dict.fromkeys(("createGroup", "updateGroup", "deleteGroup"), RUNS_ORG),
    **dict.fromkeys(("putGroupMember", "removeGroupMember"), RUNS_ORG),
    **dict.fromkeys(("getProject", "listProjectMembers", "getProjectMember"), READS_PROJECT),
    **dict.fromkeys(("updateProject", "deleteProject"), RUNS_PROJECT),
    **dict.fromkeys(("putProjectMember", "removeProjectMember"), RUNS_PROJECT),
    **dict.fromkeys(("listIntegrations", "getIntegration"), READS_ALL),
    **dict.fromkeys(("createIntegration", "updateIntegration", "deleteIntegration"), RUNS_ORG),
    **dict.fromkeys(("verifyIntegration", "disableIntegration", "enableIntegration"), RUNS_ORG),
    **dict.fromkeys(("createRotation", "cancelRotation"), RUNS_ORG),
    **dict.fromkeys(("putRotationSchedule", "deleteRotationSchedule"), RUNS_ORG),
    **dict.fromkeys(("getLatestRotation", "getRotationSchedule"), READS_ALL),
    **dict.fromkeys(("listLocations", "getLocation"), SEES_LOCATIONS),
    **dict.fromkeys(
        ("createLocation", "checkNewLocation", "updateLocation", "verifyLocation"), BUILDS
    ),
    "deleteLocation": RUNS_ORG,  # a root
    **dict.fromkeys(("listGrants", "createGrant", "getGrant", "deleteGrant"), RUNS_PROJECT),
    **dict.fromkeys(
        ("createCredentials", "createCredentialsByName", "presign", "presignByName"), VENDS
    ),
    **dict.fromkeys(("getContainerCredentials", "getContainerCredentialsByName"), VENDS),
    "getLease": READS_ALL,  # the owner's own
    **dict.fromkeys(("listRevocations", "createRevocation", "getRevocation"), RUNS_ORG),
    **dict.fromkeys(("listBlocks", "getBlock", "putBlock", "deleteBlock"), RUNS_ORG),
    **dict.fromkeys(("listAuditRecords", "exportAuditRecords", "checkAudit"), READS_ALL),
    **dict.fromkeys(("listDatasets", "getDataset", "listSyncs", "getOperation"), READS_DATASETS),
    **dict.fromkeys(("listObjects", "exportObjects", "getObject", "readObject"), READS_DATASETS),
    "listFolders": READS_DATASETS,
    **dict.fromkeys(("putObject", "indexObjects", "createFolder", "moveObjects"), DATA),
    **dict.fromkeys(("changeMatchingObjects", "deleteMatchingObjects"), DATA),
    **dict.fromkeys(
        ("createDataset", "updateDataset", "deleteDataset", "createSync", "createClone"), DATA
    ),
    **dict.fromkeys(("updateObject", "deleteObject", "restoreObject", "cancelOperation"), DATA),
}


@pytest.mark.parametrize("operation_id", sorted(OPERATIONS))
def test_whoever_may_is_answered_and_nobody_else(
    seen: dict[str, dict[str, int]], operation_id: str
) -> None:
    assert max(seen[operation_id].values()) < 500, seen[operation_id]
    let_in = {caller for caller, status in seen[operation_id].items() if status not in REFUSED}
    assert let_in == ROWS[operation_id], seen[operation_id]


@pytest.mark.parametrize("operation_id", sorted(OPERATIONS))
def test_nobody_outside_learns_what_there_is(
    seen: dict[str, dict[str, int]], operation_id: str
) -> None:
    statuses = seen[operation_id]
    if operation_id not in {"createLogin", "usePasswordLink"}:
        assert statuses["anonymous"] == 401
    if "outsider" not in ROWS[operation_id] and ROWS[operation_id]:
        assert statuses["outsider"] == 404


def test_the_table_has_no_row_of_an_operation_that_is_gone() -> None:
    assert ROWS.keys() == OPERATIONS.keys()
