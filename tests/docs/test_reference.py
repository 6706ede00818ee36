"""The generated pages are those that the code writes now: `make reference` writes them anew."""

from __future__ import annotations

import re
import shlex
from importlib.util import module_from_spec, spec_from_file_location
from types import ModuleType

import pytest

from support.commands import ROOT
from valetkey.api.v1.reference import openapi_page, rest_page
from valetkey.cli.program import app
from valetkey.cli.reference import cli_page
from valetkey.config import settings_page
from valetkey.sdk.reference import library_page

REFERENCE = ROOT / "docs" / "reference"
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_page_of_all_settings_is_up_to_date() -> None:
    assert (REFERENCE / "settings.md").read_text(encoding="utf-8") == settings_page()


def test_the_page_of_all_commands_is_up_to_date() -> None:
    assert (REFERENCE / "cli.md").read_text(encoding="utf-8") == cli_page()


def test_the_page_of_the_library_is_up_to_date() -> None:
    assert (REFERENCE / "library.md").read_text(encoding="utf-8") == library_page()


def test_the_pages_of_the_rest_api_are_up_to_date() -> None:
    assert (REFERENCE / "openapi.json").read_text(encoding="utf-8") == openapi_page()
    assert (REFERENCE / "rest.md").read_text(encoding="utf-8") == rest_page()


def _pages() -> ModuleType:
    found = spec_from_file_location("reference", ROOT / "tools" / "reference.py")
    assert found is not None
    assert found.loader is not None
    pages = module_from_spec(found)
    found.loader.exec_module(pages)
    return pages


def test_the_pages_of_audit_actions_and_limits_are_up_to_date() -> None:
    pages = _pages()
    actions = (REFERENCE / "audit-actions.md").read_text(encoding="utf-8")
    assert actions == pages.audit_page()
    assert (REFERENCE / "limits.md").read_text(encoding="utf-8") == pages.limits_page()


def test_the_page_of_audit_actions_has_all_of_them() -> None:
    pages = _pages()
    assert pages.named() - pages.NO_ACTIONS <= pages.verbs().keys() | pages.OTHERS.keys()
    assert not pages.verbs().keys() & pages.OTHERS.keys()
    assert pages.OTHERS.keys() <= pages.named()


def _typed(program: str) -> list[str]:
    blocks = re.findall(r"^```console\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    lines = (line.removeprefix("$ ") for block in blocks for line in block.splitlines())
    return [line for line in lines if line.startswith(f"{program} ")]


@pytest.mark.parametrize("line", _typed("valetkey"))
def test_the_commands_of_the_readme_are_commands(line: str) -> None:
    _, *words = shlex.split(line, comments=True)
    command, bound, _ = app.parse_args(words, exit_on_error=False, print_error=False)
    assert callable(command)
    assert bound is not None


@pytest.mark.parametrize("line", _typed("make"))
def test_the_targets_of_the_readme_are_in_the_makefile(line: str) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert re.search(rf"^{line.split()[1]}:", makefile, re.MULTILINE)


def test_the_links_of_the_readme_lead_somewhere() -> None:
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", README) if "://" not in link]
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []
