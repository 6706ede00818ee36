"""Templates are not typed: what they ask of the things that pages give them is held here, so that
a field that is renamed fails, on branches too that no other test renders."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import types
import typing
from collections.abc import Iterator, Mapping
from enum import Enum
from pathlib import Path
from typing import Any, Final

import pytest
from jinja2 import StrictUndefined, meta, nodes

from valetkey import console
from valetkey.catalog.console import datasets, items
from valetkey.catalog.domain.dataset import Dataset, Item
from valetkey.catalog.domain.sync import Command, Counts
from valetkey.catalog.services.datasets.datasets import DatasetView
from valetkey.catalog.services.datasets.orders import SyncView
from valetkey.catalog.services.items.reading import ItemsPage
from valetkey.console import audit, chart, guide, locations, menus, overview, pasting, snippets
from valetkey.console.rights import Rights
from valetkey.console.web import templates
from valetkey.domain.audit import AuditEvent, AuditRecord, ChainVerdict
from valetkey.domain.errors import ValetkeyError
from valetkey.domain.grants import Grant
from valetkey.domain.integration import Integration
from valetkey.domain.integration_types import IntegrationType
from valetkey.domain.lease import Lease
from valetkey.domain.location import Location
from valetkey.domain.people import (
    ApiToken,
    BrowserSession,
    Organization,
    OrgMember,
    Project,
    User,
)
from valetkey.domain.revocation import Block, Revocation
from valetkey.domain.rotation import Rotation, Schedule
from valetkey.domain.scope import AccessLevel
from valetkey.domain.token_limits import TokenLimits
from valetkey.domain.verification import Check, Report
from valetkey.identity.leaving import Departed, Remaining
from valetkey.services.endings import RevocationResult
from valetkey.services.revocation.enforcement import HandPolicy
from valetkey.services.setup_watch import SetupState
from valetkey.services.vending.vending import Vended

#: What each name stands for in every template that has it.
TYPES: Final[Mapping[str, type]] = {
    "about": audit.RecordSubject,
    "account": User,
    "account_roles": dict,
    "attrs": dict,
    "bar": chart.Bar,
    "block": Block,
    "by_hand": HandPolicy,
    "chart": chart.Chart,
    "check": Check,
    "concern": overview.Concern,
    "counts": Counts,
    "dataset": Dataset,
    "each": Remaining,
    "event": AuditEvent,
    "failure": Check,
    "grant": Grant,
    "guide": guide.Guide,
    "health": dict,
    "integration": Integration,
    "integrations": menus.Menu,
    "item": Item,
    "kind": IntegrationType,
    "lease": Lease,
    "left": Departed,
    "level": AccessLevel,
    "limits": TokenLimits,
    "line": locations.ShownLocation,
    "location": Location,
    "locations": menus.Menu,
    "made": ApiToken,
    "may": Rights,
    "may_here": Rights,
    "member": OrgMember,
    "members": menus.ListPart,
    "menu": menus.Menu,
    "names": dict,
    "org": Organization,
    "page": ItemsPage,
    "pairs": list,
    "parent": Location,
    "part": menus.ListPart,
    "piece": pasting.Piece,
    "problem": ValetkeyError,
    "project": Project,
    "record": AuditRecord,
    "report": Report,
    "result": RevocationResult,
    "revocation": Revocation,
    "role": Enum,
    "role_names": dict,
    "roles": list,
    "rotation": Rotation,
    "savings": overview.Savings,
    "schedule": Schedule,
    "seen": SetupState,
    "session": BrowserSession,
    "shown": menus.ListPart,
    "snippet": snippets.Snippet,
    "sync": SyncView,
    "team": menus.ListPart,
    "ticks": dict,
    "token_": ApiToken,
    "urls": dict,
    "vended": Vended,
    "verdict": ChainVerdict,
    "view": DatasetView,
    "wanted": audit.Filter,
}
#: What a name stands for in some templates alone.
HERE: Final[Mapping[tuple[str, str], type]] = {
    ("datasets/list.html", "line"): datasets.ShownDataset,
    ("datasets/page.html", "view"): items.ItemsView,
    ("datasets/sync.html", "command"): Command,
}
#: What the framework of the templates gives, and errors, which are said as plain texts.
FREE: Final = frozenset({"loop", "error"})
NAMES: Final = templates().list_templates(["html"])


def parsed(name: str) -> nodes.Template:
    environment = templates()
    assert environment.loader is not None
    return environment.parse(environment.loader.get_source(environment, name)[0])


def chains(name: str) -> Iterator[tuple[str, list[str]]]:
    """The names of a template with the attributes that are asked of each, one after another."""
    for node in parsed(name).find_all(nodes.Getattr):
        asked, at = [node.attr], node.node
        while isinstance(at, nodes.Getattr):
            asked.append(at.attr)
            at = at.node
        if isinstance(at, nodes.Name):
            yield at.name, asked[::-1]


def plain(hint: Any) -> Any:
    """A type without None and without its parameters."""
    if typing.get_origin(hint) in {typing.Union, types.UnionType}:
        left = [each for each in typing.get_args(hint) if each is not type(None)]
        hint = left[0] if len(left) == 1 else object
    return typing.get_origin(hint) or hint


def step(kind: Any, attribute: str) -> Any:
    """The type of an attribute; None for what can't be told. Raises AttributeError."""
    if dataclasses.is_dataclass(kind):
        fields = {field.name for field in dataclasses.fields(kind)}
        if attribute in fields:
            return plain(typing.get_type_hints(kind)[attribute])
    found = inspect.getattr_static(kind, attribute, None)
    if isinstance(found, property):
        assert found.fget is not None
        return plain(typing.get_type_hints(found.fget).get("return", object))
    if isinstance(kind, type) and issubclass(kind, Enum) and attribute == "value":
        return str
    if isinstance(kind, type) and issubclass(kind, Exception) and attribute in {"message", "hint"}:
        return str
    if found is None and not hasattr(kind, attribute):
        raise AttributeError(attribute)
    return None


@pytest.mark.parametrize("name", NAMES)
def test_a_template_asks_only_for_what_there_is(name: str) -> None:
    missing = []
    for root, asked in chains(name):
        if root in FREE:
            continue
        kind: Any = HERE.get((name, root)) or TYPES[root]
        for attribute in asked:
            try:
                kind = step(kind, attribute)
            except AttributeError:
                missing.append(f"{root}.{'.'.join(asked)}")
            if kind in {None, object, Any}:
                break
    assert missing == []


def given() -> dict[str, list[tuple[set[str], bool]]]:
    """What pages give each template by name, and whether they give more than can be told."""
    found: dict[str, list[tuple[set[str], bool]]] = {}
    folders = (Path(console.__file__).parent, Path(datasets.__file__).parent)
    for file in (file for folder in folders for file in folder.glob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            first = node.args[0]
            if isinstance(first, ast.Constant) and str(first.value).endswith(".html"):
                names = {word.arg for word in node.keywords if word.arg}
                more = any(word.arg is None for word in node.keywords)
                found.setdefault(str(first.value), []).append((names, more))
    return found


GIVEN: Final = given()
#: What every page has (see Reader.page), and what the environment has.
ALWAYS: Final = {"here", "csrf", "who", "may", "said", "projects", *templates().globals}


def bound_in(tree: nodes.Template) -> set[str]:
    """The names that a template makes for itself: imports, macros, and what it assigns."""
    imported = {
        each if isinstance(each, str) else each[1]
        for node in tree.find_all(nodes.FromImport)
        for each in node.names
    }
    macros = {node.name for node in tree.find_all(nodes.Macro)}
    stored = {node.name for node in tree.find_all(nodes.Name) if node.ctx == "store"}
    return imported | macros | stored


def wanted_by(name: str) -> set[str]:
    """The names that a template needs from the page, with those of what it extends."""
    tree = parsed(name)
    above = [node.template for node in tree.find_all(nodes.Extends)]
    parents = [each.value for each in above if isinstance(each, nodes.Const)]
    own = meta.find_undeclared_variables(tree) - bound_in(tree)
    return own.union(*(wanted_by(parent) for parent in parents)) - ALWAYS


@pytest.mark.parametrize("name", sorted(GIVEN))
def test_a_page_gives_its_template_every_name_that_it_needs(name: str) -> None:
    for names, more in GIVEN[name]:
        assert more or wanted_by(name) <= names, wanted_by(name) - names


def test_a_name_that_is_missing_is_an_error_and_not_nothing() -> None:
    assert templates().undefined is StrictUndefined
