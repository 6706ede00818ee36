"""Every verb of every service goes one way to its entity, and every entity has a lock there."""

from __future__ import annotations

import ast
import importlib
import pkgutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

import valetkey
from support.memory import Memory
from support.sources import texts, tree
from valetkey.catalog.db.storage import SqlCatalogWork
from valetkey.catalog.services.datasets.datasets import NewDataset
from valetkey.domain.access import ProjectRole
from valetkey.domain.errors import Denied, NotFound
from valetkey.domain.location import LocationChange
from valetkey.domain.revocation import Kind
from valetkey.services.access import Noun
from valetkey.services.grants import Grants

SOURCE: Final = Path(valetkey.__file__).parent
ROOMS: Final = ("services", "identity", "catalog/services")
#: What opens an entity: Access itself, and the catalog's way of opening a dataset through it.
DOORS: Final = {"_access", "_stores"}

#: Who takes a caller and opens nothing by Access, and why that is right.
_BELOW: Final = "Access stands on it"
_OWN: Final = "it is the caller's own: looked up by their id, and refused to tokens by name"
_SEES: Final = "a list of what the caller's roles and grants show, in one transaction"
_VENDS: Final = "the vending path: decided by Authorizer, which knows of grants and token limits"
_WITHIN: Final = "within the transaction, or after the decision, of a verb that is checked"
EXCEPTIONS: Final = {
    "Access.require": _BELOW,
    "Access.reading": _BELOW,
    "Access.changing": _BELOW,
    "AuditLog.event": _BELOW,
    "AuditLog.require_reader": _BELOW,
    "AuditLog.of_org": _BELOW,
    "AuditLog.recent": _BELOW,
    "Idempotency.once": "runs a verb, and knows none",
    "Locations.visible": _SEES,
    "Locations.open_to": _SEES,
    "Locations.are_granted": _SEES,
    "Datasets.visible": _SEES,
    "People.organizations": _SEES,
    "People.projects": _SEES,
    "Locations.try_out": "goes on in LocationDrafts.placed, which opens by Access",
    "Syncs.start": "goes on in WorkOrders.place, which opens by Access",
    "Exports.start": "goes on in WorkOrders.place, which opens by Access",
    "Leases.target": "finds what is meant, for revoke and unblock, which decide",
    "Revoker.revoke": _WITHIN,
    "Revoker.claim": _WITHIN,
    "Authorizer.get": _VENDS,
    "Presigning.presign": _VENDS,
    "Vending.vend": _VENDS,
    "Vending.prepare": _VENDS,
    "Vending.vend_for_service": _VENDS,
    "Vending.session": _VENDS,
    "Vending.again": _VENDS,
    "Vending.grants": _VENDS,
    "Principals.again": _VENDS,
    "Accounts.change_password": _OWN,
    "Accounts.replace_password": _OWN,
    "Accounts.sign_out_everywhere": _OWN,
    "Accounts.end_all": _OWN,
    "BrowserSessions.own": _OWN,
    "BrowserSessions.end": _OWN,
    "ApiTokens.own": _OWN,
    "ApiTokens.add": _WITHIN,
    "ApiTokens.end": _WITHIN,
    "Leases.by_hand": "of a revocation that was read; None to whom it is not for",
    "Leases.carry_out": _WITHIN,
    "Leases.finish": _WITHIN,
    "Leaving.end_membership": _WITHIN,
    "Leaving.end_in_project": _WITHIN,
    "Leaving.revoke_leases": _WITHIN,
    "Leaving.revoke_of_account": _WITHIN,
    "CommandOutcomes.succeed": _WITHIN,
    "Index.event": _WITHIN,
    "Index.remove": _WITHIN,
    "Links.read": _WITHIN,
    "ObjectCopying.copy": _WITHIN,
    "Index.drafted": _WITHIN,
    "Index.settle": _WITHIN,
    "Intents.held": _WITHIN,
    "Leftovers.of_dataset": _WITHIN,
    "Sessions.open": _WITHIN,
}


def classes(*rooms: str) -> Iterator[ast.ClassDef]:
    for room in rooms:
        for place in texts():
            if place.startswith(f"{room}/"):
                yield from (node for node in tree(place).body if isinstance(node, ast.ClassDef))


def methods(owner: ast.ClassDef) -> dict[str, ast.AsyncFunctionDef | ast.FunctionDef]:
    return {
        node.name: node
        for node in owner.body
        if isinstance(node, ast.AsyncFunctionDef | ast.FunctionDef)
    }


def takes_a_caller(method: ast.AsyncFunctionDef | ast.FunctionDef) -> bool:
    given = [*method.args.args, *method.args.kwonlyargs]
    return any(each.annotation and ast.unparse(each.annotation) == "Caller" for each in given)


def goes_through(owner: ast.ClassDef, name: str, seen: frozenset[str] = frozenset()) -> bool:
    """Tell whether a method opens something by a door, itself or by another of its class."""
    method = methods(owner).get(name)
    if method is None or name in seen:
        return False
    used = [node for node in ast.walk(method) if isinstance(node, ast.Attribute)]
    return any(
        isinstance(each.value, ast.Attribute) and each.value.attr in DOORS for each in used
    ) or any(
        isinstance(each.value, ast.Name)
        and each.value.id == "self"
        and goes_through(owner, each.attr, seen | {name})
        for each in used
    )


def verbs_that_go_elsewhere(*rooms: str) -> set[str]:
    return {
        f"{owner.name}.{name}"
        for owner in classes(*rooms)
        for name, method in methods(owner).items()
        if not name.startswith("_") and takes_a_caller(method) and not goes_through(owner, name)
    }


def test_each_verb_goes_through_access_or_says_why_not() -> None:
    assert verbs_that_go_elsewhere(*ROOMS) == EXCEPTIONS.keys()


def test_a_verb_that_reads_by_itself_is_found() -> None:
    [owner] = ast.parse(
        "class Things:\n"
        "    async def rename(self, caller: Caller, name: str) -> None:\n"
        "        async with self._storage.begin() as work:\n"
        "            await work.things.save(name)\n"
    ).body
    assert isinstance(owner, ast.ClassDef)
    assert not goes_through(owner, "rename")


def nouns() -> dict[str, Noun[object]]:
    """Return every noun of the tree, wherever it stands."""
    found = {}
    for module in pkgutil.walk_packages([str(SOURCE)], "valetkey."):
        if ".services" not in module.name and ".identity" not in module.name:
            continue
        for value in vars(importlib.import_module(module.name)).values():
            if isinstance(value, Noun):
                found[value.name] = value
    return found


def test_each_noun_has_its_lock_and_no_lock_is_of_a_noun_that_is_gone() -> None:
    # A dataset is locked by what its items' writers hold: see SqlCatalogWork.lock. No item is
    # changed by ``changing``: its id is found in an index for each dataset, and a lock of its row
    # would read them all.
    assert nouns().keys() == SqlCatalogWork.locked.keys() | {"dataset", "item"}


async def _things(memory: Memory) -> dict[str, str]:
    owner, services = await memory.caller(), memory.services
    location = await memory.location()
    view = await services.catalog.datasets.create(
        owner, memory.project.id, NewDataset("cats", location.id)
    )
    return {
        "location": location.id,
        "integration": location.integration_id,
        "dataset": view.dataset.id,
    }


@pytest.mark.parametrize(
    ("verb", "action", "subject"),
    [
        (
            "dataset.update",
            lambda s, who, it: s.catalog.datasets.update(who, it["dataset"], name="x"),
            "dataset",
        ),
        (
            "dataset.delete",
            lambda s, who, it: s.catalog.datasets.delete(who, it["dataset"]),
            "dataset",
        ),
        ("dataset.sync", lambda s, who, it: s.catalog.syncs.start(who, it["dataset"]), "dataset"),
        (
            "item.folder",
            lambda s, who, it: s.catalog.items.changing.make_folder(who, it["dataset"], "/a"),
            "dataset",
        ),
        (
            "location.update",
            lambda s, who, it: s.locations.update(who, it["location"], LocationChange(name="x")),
            "location",
        ),
        ("location.delete", lambda s, who, it: s.locations.delete(who, it["location"]), "location"),
        ("grant.read", lambda s, who, it: s.grants.of_location(who, it["location"]), "location"),
        (
            "integration.delete",
            lambda s, who, it: s.integrations.delete(who, it["integration"]),
            "integration",
        ),
        (
            "setup.look",
            lambda s, who, it: s.setup_watch.look_again(who, it["integration"]),
            "integration",
        ),
    ],
)
async def test_a_refusal_is_recorded_under_the_verbs_own_name(
    memory: Memory, verb: str, action: object, subject: str
) -> None:
    things = await _things(memory)
    eve = await memory.member("eve@example.com", ProjectRole.ANNOTATOR)
    with pytest.raises(Denied):
        await action(memory.services, eve, things)  # type: ignore[operator]  # a verb of the table
    record = memory.storage._committed.audit.records[-1].event
    assert (record.action, record.outcome) == (verb, "denied")
    assert record.subject == f"{subject}:{things[subject]}"


async def test_a_refused_revocation_names_what_was_to_be_revoked(memory: Memory) -> None:
    location, leases = await memory.location(), memory.services.leases
    eve = await memory.member("eve@example.com", ProjectRole.OWNER)
    target = await leases.target(eve, Kind.LOCATION, location.id)
    for verb, act in (
        ("leases.revoke", lambda: leases.revoke(eve, target, reason="why")),
        ("leases.unblock", lambda: memory.services.blocks.unblock(eve, target)),
    ):
        with pytest.raises(Denied):
            await act()
        record = memory.storage._committed.audit.records[-1].event
        assert (record.action, record.subject) == (verb, f"location:{location.id}")


async def test_what_was_refused_to_an_outsider_is_not_there(memory: Memory) -> None:
    location = await memory.location()
    eve = await memory.member("eve@example.com", None)
    stranger = eve._replace(principal=type(eve.principal)("0" * 24, "x@example.com"))
    grants: Grants = memory.services.grants
    with pytest.raises(NotFound):
        await grants.of_location(stranger, location.id)
