"""Whatever ends a right says what was vended by it before and works on, and until when."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, Final

import httpx2
import msgspec
import pytest

from support.memory import OWNER, Memory
from support.own_api import open_own_api
from support.refused import works
from valetkey.domain.access import OrgRole, ProjectRole
from valetkey.domain.errors import AwsRefused
from valetkey.domain.location import Location, NewLocation
from valetkey.domain.revocation import MOST_NAMES, Kind
from valetkey.domain.scope import AccessLevel
from valetkey.identity.tokens import NewToken
from valetkey.services.audit import Caller
from valetkey.services.vending import Vended, VendRequest
from valetkey.wire import OPERATIONS
from valetkey.wire.leases import Ending
from valetkey.wire.orgs import Departure

EVE: Final = "eve@example.com"
#: What ends no right to anything that is vended.
NO_RIGHT: Final = {
    "deleteBlock": "it gives new credentials again",
    "deleteDataset": "an index: its location is what is vended of",
    "deleteObject": "data, and no right to it",
    "deleteProject": "refused while it has locations, of which it is that all is vended",
    "deleteRotationSchedule": "a plan",
    "endSession": "a sign-in: its owner keeps what they were given",
}


def test_each_operation_that_ends_something_says_what_works_on_or_why_not() -> None:
    ends = {each.id: each for each in OPERATIONS if each.method == "DELETE"}
    says = {name for name, each in ends.items() if each.result in (Ending, Departure)}
    assert ends.keys() - says == NO_RIGHT.keys()


def test_what_is_changed_so_that_it_gives_less_says_what_works_on() -> None:
    results = {each.id: each.result for each in OPERATIONS}
    for name in (
        *("updateLocation", "disableIntegration", "putBlock"),
        *("updateOrgMember", "putProjectMember"),
    ):
        assert "live_until" in {field.name for field in msgspec.structs.fields(results[name])}


class Scene:
    """Eve, who has a location by a role, a grant and a group; the owner's client."""

    def __init__(self, memory: Memory, http: httpx2.AsyncClient, location: Location) -> None:
        self.memory = memory
        self.http = http
        self.location = location
        self.org = f"/orgs/{memory.org_id}"
        self.project = f"/projects/{memory.project.id}"

    async def vend(self, who: Caller) -> Vended:
        read = VendRequest(("",), frozenset({AccessLevel.READ}))
        return await self.memory.services.vending.vend(who, self.location.id, read)

    async def made(self, path: str, **body: Any) -> str:
        answer = await self.http.post(path, json=body)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    async def ended(self, path: str) -> dict[str, Any]:
        answer = await self.http.delete(path)
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told

    async def take_a_grant(self) -> tuple[str, Vended]:
        grants = f"/locations/{self.location.id}/grants"
        eve = await self.memory.member(EVE, None)
        grant = await self.made(grants, user=EVE, prefixes=[""], access=["read"])
        return f"{grants}/{grant}", await self.vend(eve)

    async def group(self) -> tuple[str, Vended]:
        eve = await self.memory.member(EVE, None)
        group = await self.made(f"{self.org}/groups", name="team")
        await self.http.put(f"{self.org}/groups/{group}/members/{EVE}")
        grants = f"/locations/{self.location.id}/grants"
        await self.made(grants, group="team", prefixes=[""], access=["read"])
        return f"{self.org}/groups/{group}", await self.vend(eve)

    async def take_out_of_a_group(self) -> tuple[str, Vended]:
        group, vended = await self.group()
        return f"{group}/members/{EVE}", vended

    async def take_out_of_a_project(self) -> tuple[str, Vended]:
        eve = await self.memory.member(EVE, ProjectRole.DEVELOPER)
        return f"{self.project}/members/{EVE}", await self.vend(eve)

    async def revoke_a_token(self) -> tuple[str, Vended]:
        eve = await self.memory.member(EVE, ProjectRole.DEVELOPER)
        token, text = await self.memory.token(eve)
        shown = Caller(await self.memory.services.principals.of(text, source=""))
        return f"/tokens/{token.id}", await self.vend(shown)

    async def delete_a_location(self) -> tuple[str, Vended]:
        eve = await self.memory.member(EVE, ProjectRole.DEVELOPER)
        return f"/locations/{self.location.id}", await self.vend(eve)

    async def forget_an_integration(self) -> tuple[str, Vended]:
        path, vended = await self.delete_a_location()
        await self.ended(path)
        return f"/integrations/{self.location.integration_id}", vended


ENDINGS: Final[dict[str, Callable[[Scene], Awaitable[tuple[str, Vended]]]]] = {
    "a grant": Scene.take_a_grant,
    "a group": Scene.group,
    "a member of a group": Scene.take_out_of_a_group,
    "a member of a project": Scene.take_out_of_a_project,
    "a token": Scene.revoke_a_token,
    "a location": Scene.delete_a_location,
    "an integration": Scene.forget_an_integration,
}


@pytest.fixture
async def scene(memory: Memory) -> Any:
    async with open_own_api(memory) as http:
        yield Scene(memory, http, await memory.location())


@pytest.mark.parametrize("what", ENDINGS)
async def test_who_ends_it_is_told_what_was_vended_and_works_on_until_when(
    scene: Scene, what: str
) -> None:
    path, vended = await ENDINGS[what](scene)
    await scene.vend(await scene.memory.caller()) if what != "an integration" else None
    told = await scene.ended(path)
    # What the owner holds of the location ends with the location alone.
    assert told["liveLeases"] == (2 if what == "a location" else 1)
    assert datetime.fromisoformat(told["liveUntil"]) == vended.credentials.expires_at
    assert "revoked" not in told
    assert works(scene.memory, vended.credentials)


@pytest.mark.parametrize("what", ENDINGS)
async def test_where_nothing_works_on_it_says_nothing_works_on(scene: Scene, what: str) -> None:
    path, vended = await ENDINGS[what](scene)
    ends = vended.credentials.expires_at
    scene.memory.clock.advance((ends - scene.memory.clock.now()).total_seconds() + 1)
    assert await scene.ended(path) == {"liveLeases": 0}


async def test_a_location_is_deleted_with_what_was_vended_if_asked(scene: Scene) -> None:
    path, vended = await scene.delete_a_location()
    told = await scene.ended(f"{path}?revoke=true")
    assert told["liveLeases"] == 0
    assert told["revoked"]["leases"] == 1
    assert [each["state"] for each in told["revoked"]["revocations"]] == ["enforced"]
    assert not works(scene.memory, vended.credentials)


async def test_what_aws_does_not_refuse_yet_is_told_as_living(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, vended = await scene.delete_a_location()

    async def away(*_: object, **__: object) -> None:
        raise AwsRefused("IAM says no.", hint="Ask it.")

    monkeypatch.setattr(scene.memory.services.leases.policies, "put", away)
    told = await scene.ended(f"{path}?revoke=true")
    assert (told["liveLeases"], told["revoked"]["leases"]) == (1, 1)
    [revocation] = told["revoked"]["revocations"]
    assert (revocation["state"], "IAM says no" in revocation["problem"]) == ("pending", True)
    assert revocation["byHand"]["command"]
    assert works(scene.memory, vended.credentials)


async def test_narrowing_says_what_became_of_what_opened_more(scene: Scene) -> None:
    eve = await scene.memory.member(EVE, ProjectRole.DEVELOPER)
    vended, address = await scene.vend(eve), f"/locations/{scene.location.id}"
    told = (await scene.http.patch(address, json={"access": ["list"]})).json()
    assert told["leasesBeyond"] == 1
    assert datetime.fromisoformat(told["liveUntil"]) == vended.credentials.expires_at
    await scene.http.patch(address, json={"access": ["list", "read"]})
    narrower = {"access": ["list"], "revokeBeyond": True}
    told = (await scene.http.patch(address, json=narrower)).json()
    assert (told["leasesBeyond"], told["revoked"]["leases"]) == (0, 1)
    assert not works(scene.memory, vended.credentials)


async def test_what_gives_nothing_new_says_what_works_on(scene: Scene) -> None:
    vended = await scene.vend(await scene.memory.member(EVE, ProjectRole.DEVELOPER))
    off = await scene.http.post(f"/integrations/{scene.location.integration_id}/disable")
    blocked = await scene.http.put(f"/blocks/principal/{EVE}", json={"reason": "why"})
    nobody = await scene.http.put(f"/blocks/principal/{OWNER}", json={"reason": "why"})
    for told in (off.json(), blocked.json()):
        assert told["liveLeases"] == 1
        assert datetime.fromisoformat(told["liveUntil"]) == vended.credentials.expires_at
    assert nobody.json()["liveLeases"] == 0


async def test_a_lower_role_says_what_works_on_of_what_the_higher_one_gave(scene: Scene) -> None:
    vended = await scene.vend(await scene.memory.member(EVE, ProjectRole.DEVELOPER))
    member = f"{scene.project}/members/{EVE}"
    higher = await scene.http.put(member, json={"role": "owner"})
    tag = higher.headers["etag"]
    assert "liveLeases" not in higher.json()
    lower = await scene.http.put(member, json={"role": "annotator"}, headers={"if-match": tag})
    assert lower.json()["liveLeases"] == 1
    assert datetime.fromisoformat(lower.json()["liveUntil"]) == vended.credentials.expires_at
    # It is told once: it is no part of the membership.
    assert "liveLeases" not in (await scene.http.get(member)).json()
    assert (await scene.http.get(member)).headers["etag"] == lower.headers["etag"]
    assert works(scene.memory, vended.credentials)


@pytest.mark.parametrize("role", [None, ProjectRole.ANNOTATOR, ProjectRole.DEVELOPER])
async def test_an_owner_who_steps_down_is_told_what_works_on_that_no_role_gives_any_more(
    scene: Scene, role: ProjectRole | None
) -> None:
    vended = await scene.vend(await scene.memory.member(EVE, role, org_role=OrgRole.OWNER))
    found = await scene.http.get(f"{scene.org}/members")
    [eve] = [each["id"] for each in found.json()["items"] if each["email"] == EVE]
    told = (await scene.http.patch(f"{scene.org}/members/{eve}", json={"role": "member"})).json()
    assert told.get("liveLeases") == (0 if role is ProjectRole.DEVELOPER else 1)
    if role is not ProjectRole.DEVELOPER:
        assert datetime.fromisoformat(told["liveUntil"]) == vended.credentials.expires_at


async def test_a_service_account_that_is_deleted_says_what_ended_and_what_did_not(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object, **__: object) -> None:
        raise AwsRefused("IAM says no.", hint="Ask it.")

    paths = []
    for name in ("one", "other"):
        given = {"projectId": scene.memory.project.id, "name": name, "role": "developer"}
        account = await scene.made("/service-accounts", **given)
        _, secret = await scene.memory.services.service_accounts.create_token(
            await scene.memory.caller(), account, NewToken("cron")
        )
        await scene.vend(
            Caller(await scene.memory.services.principals.of(secret.reveal(), source=""))
        )
        paths.append(f"/service-accounts/{account}")
    told = await scene.ended(paths[0])
    assert (told["tokens"], told["leases"], told["remaining"]) == (1, 1, [])
    monkeypatch.setattr(scene.memory.services.leases.policies, "put", away)
    [left] = (await scene.ended(paths[1]))["remaining"]
    assert left["kind"] == "revocation"
    assert datetime.fromisoformat(left["until"]) > scene.memory.clock.now()
    assert "IAM says no" in left["reason"]


async def _within(scene: Scene, maker: Caller, name: str = "cats") -> Location:
    """A location within the root, which a developer may delete."""
    new = NewLocation(
        name=name,
        bucket="acme",
        folder=f"{scene.location.prefix}{name}",
        parent_id=scene.location.id,
    )
    return await scene.memory.services.locations.create(maker, scene.memory.project.id, new)


async def test_who_else_was_revoked_is_told_to_owners_of_the_organisation_alone(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory, owner = scene.memory, await scene.memory.caller()
    eve = await memory.member(EVE, ProjectRole.OWNER)
    bob = await memory.member("bob@example.com", ProjectRole.DEVELOPER)
    await scene.vend(bob)
    leases = memory.services.leases
    bobs = await leases.target(owner, Kind.PRINCIPAL, "bob@example.com", memory.org_id)
    await leases.revoke(owner, bobs, reason="left")
    child = await _within(scene, eve)
    account = await memory.services.service_accounts.create(
        eve, memory.project.id, "jobs", ProjectRole.DEVELOPER
    )
    _, secret = await memory.services.service_accounts.create_token(
        eve, account.id, NewToken("cron")
    )
    await scene.vend(Caller(await memory.services.principals.of(secret.reveal(), source="")))
    read = VendRequest(("",), frozenset({AccessLevel.READ}))
    await memory.services.vending.vend(eve, child.id, read)

    async def refuse(*_: object, **__: object) -> None:
        raise AwsRefused("IAM says no.", hint="Ask it.", aws_code="AccessDenied")

    monkeypatch.setattr(leases.policies, "put", refuse)
    async with open_own_api(memory, EVE) as http:
        answers = [
            await http.delete(f"/locations/{child.id}?revoke=true"),
            await http.delete(f"/service-accounts/{account.id}"),
        ]
    for answer in answers:
        assert answer.status_code == 200
        assert "bob@example.com" not in answer.text
        assert "put-role-policy" not in answer.text
    [revocation] = answers[0].json()["revoked"]["revocations"]
    assert "owner" in revocation["problem"]
    shown = await scene.http.get(f"/revocations/{revocation['id']}")
    assert "bob@example.com" in shown.json()["byHand"]["command"]


async def test_so_many_that_all_of_the_role_would_end_are_an_owners_of_the_organisation_to_revoke(
    scene: Scene,
) -> None:
    memory = scene.memory
    eve = await memory.member(EVE, ProjectRole.DEVELOPER)
    child, read = await _within(scene, eve), frozenset({AccessLevel.READ})
    for number in range(MOST_NAMES + 1):
        await memory.services.vending.vend(eve, child.id, VendRequest((str(number),), read))
    bystander = await scene.vend(await memory.caller())
    narrower = {"access": ["list"], "revokeBeyond": True}
    async with open_own_api(memory, EVE) as http:
        address = f"/locations/{child.id}"
        for refused in (
            await http.delete(f"{address}?revoke=true"),
            await http.patch(address, json=narrower),
        ):
            assert (refused.status_code, refused.json()["error"]["code"]) == (403, "denied")
            assert "every session of the role" in refused.json()["error"]["message"]
        assert works(memory, bystander.credentials)
        assert (await http.delete(address)).json()["liveLeases"] == MOST_NAMES + 1
    target = {"kind": "location", "target": child.id, "reason": "left"}
    assert (await scene.http.post("/revocations", json=target)).json()["leases"] == MOST_NAMES + 1


async def test_whoever_revokes_little_by_little_ends_no_more_than_what_is_theirs(
    scene: Scene,
) -> None:
    memory, read = scene.memory, frozenset({AccessLevel.READ})
    eve = await memory.member(EVE, ProjectRole.DEVELOPER)
    bystander = await scene.vend(await memory.caller())
    async with open_own_api(memory, EVE) as http:
        for round_ in range(6):
            child = await _within(scene, eve, f"cats{round_}")
            vended = [
                await memory.services.vending.vend(eve, child.id, VendRequest((str(each),), read))
                for each in range(60)
            ]
            answer = await http.delete(f"/locations/{child.id}?revoke=true")
            assert answer.status_code == 200, answer.text
            assert answer.json()["revoked"]["leases"] == 60
            assert not any(works(memory, each.credentials) for each in vended)
            assert works(memory, bystander.credentials)
        again = await scene.vend(eve)
    assert works(memory, again.credentials)
    assert works(memory, bystander.credentials)


async def test_who_may_end_only_what_is_theirs_fills_no_more_of_a_role_than_a_share(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("valetkey.domain.revocation._SHARE", 400)
    memory, read = scene.memory, frozenset({AccessLevel.READ})
    eve = await memory.member(EVE, ProjectRole.DEVELOPER)
    others = [
        await memory.member(f"dev{each}@example.com", ProjectRole.DEVELOPER) for each in range(6)
    ]
    bystander = await scene.vend(await memory.caller())
    answers = []
    async with open_own_api(memory, EVE) as http:
        for round_ in range(3):
            child = await _within(scene, eve, f"cats{round_}")
            for each in others:
                await memory.services.vending.vend(each, child.id, VendRequest(("",), read))
            answers.append(await http.delete(f"/locations/{child.id}?revoke=true"))
            assert works(memory, bystander.credentials)
    assert [each.status_code for each in answers] == [200, 403, 403]
    assert "every session of the role" in answers[-1].json()["error"]["message"]
