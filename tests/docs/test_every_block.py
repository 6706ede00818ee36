"""What a page shows to be copied runs, in each language, as it stands: none is left to be believed.

What a reader would put in (an address, a password, a key) is put in here.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import pytest

from support.commands import ROOT
from support.real_api import PASSWORD
from support.server import OWNER, Installation

PAGES: Final = (ROOT / "README.md", *sorted((ROOT / "docs" / "guides").glob("*.md")))
_FENCE: Final = re.compile(r"^```(\w+)[^\n]*\n(.*?)^```$", re.DOTALL | re.MULTILINE)

#: Which test runs the blocks of a language on a page; ``*`` is every guide.
RUN_BY: Final[Mapping[tuple[str, str], str]] = {
    ("README.md", "console"): "tests/docs/test_readme_runs.py",
    ("README.md", "python"): "tests/docs/test_every_block.py",
    ("dataloop.md", "python"): "tests/docs/test_every_block.py",
    ("clients.md", "python"): "tests/docs/test_clients_guide.py",
    ("clients.md", "sh"): "tests/docs/test_clients_guide.py",
    ("clients.md", "ini"): "tests/docs/test_clients_guide.py",
    ("ray.md", "console"): "tests/e2e/test_ray.py",
    ("*", "console"): "tests/docs/test_guides.py",
}


def _blocks(page: Path, language: str) -> Iterator[str]:
    for found in _FENCE.finditer(page.read_text(encoding="utf-8")):
        if found[1] == language:
            yield found[2]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_language_of_a_page_is_run_by_a_test(page: Path) -> None:
    languages = {found[1] for found in _FENCE.finditer(page.read_text(encoding="utf-8"))}
    runners = {
        language: RUN_BY.get((page.name, language)) or RUN_BY.get(("*", language))
        for language in languages
    }
    assert [language for language, test in runners.items() if test is None] == []
    assert [test for test in runners.values() if not (ROOT / str(test)).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_block_says_its_language(page: Path) -> None:
    """One without would be run by nobody."""
    lines = page.read_text(encoding="utf-8").splitlines()
    fences = [line for line in lines if re.match(r" *(```|~~~)", line)]
    assert [line for line in fences[::2] if not re.fullmatch(r"```\w+.*", line)] == []
    assert [line for line in fences[1::2] if line != "```"] == []


def _run(script: str, environment: Mapping[str, str], folder: Path) -> str:
    done = subprocess.run(  # noqa: S603  # our own pages
        [sys.executable, "-c", script],
        env={"PATH": os.environ["PATH"], "HOME": str(folder), **environment},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return done.stdout


def test_the_python_of_the_readme_runs(valetkey_server: Installation, tmp_path: Path) -> None:
    [script] = _blocks(ROOT / "README.md", "python")
    with valetkey_server.client(OWNER) as owner:
        owner.locations.create(
            name="my-data",
            bucket=valetkey_server.setup.bucket,
            endpoint=valetkey_server.aws.endpoint,
            project_id=valetkey_server.project_id,
            integration_id=valetkey_server.integration.id,
        )
    here = {"VALETKEY_URL": valetkey_server.url, "VALETKEY_TOKEN": valetkey_server.token(OWNER)}
    bucket = valetkey_server.setup.bucket
    tried = f"print(s3.list_objects_v2(Bucket={bucket!r}, Prefix='train/')['KeyCount'])"
    assert int(_run(f"{script}\n{tried}", here, tmp_path)) > 0


def test_the_python_of_the_guide_to_dataloops_sdk_runs(
    valetkey_server: Installation, tmp_path: Path
) -> None:
    script = "\n".join(_blocks(ROOT / "docs" / "guides" / "dataloop.md", "python"))
    put_in = {
        '"https://valetkey.example.com"': repr(valetkey_server.url),
        '"ada@example.com"': repr(OWNER),
        'password="..."': f"password={PASSWORD!r}",
        '"AKIA..."': repr(valetkey_server.setup.key.id),
        '"secret": "..."': f'"secret": {valetkey_server.setup.key.secret.reveal()!r}',
        '"arn:aws:iam::123456789012:role/valetkey"': repr(valetkey_server.setup.role_arn),
        '"acme-data"': repr(valetkey_server.setup.bucket),
        '"acme"': '"guide"',
    }
    for shown, real in put_in.items():
        assert shown in script
        script = script.replace(shown, real)
    said = _run(script, {"MPLCONFIGDIR": str(tmp_path)}, tmp_path)
    assert "/train/cats/1.txt" in said.splitlines()
