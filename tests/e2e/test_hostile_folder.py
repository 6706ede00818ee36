"""Nothing that lies in the current folder is run with a user's token, or with the server's key."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from support.commands import clean_environment
from valetkey.catalog.engines.ray_process import DRIVER, driving

_SCRIPT = str(Path(sys.executable).with_name("valetkey"))
#: What people call their own files, and Valetkey imports.
_USUAL = ("copy", "json", "types_", "threading", "typing", "httpx2", "msgspec", "rich", "cyclopts")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a module of every name that could be imported; each tells that it was run."""
    hostile = tmp_path / "hostile"
    hostile.mkdir()
    _plant(hostile, sorted({*sys.stdlib_module_names, *packages_distributions(), "sitecustomize"}))
    return hostile


def _plant(folder: Path, names: Sequence[str]) -> None:
    for name in names:
        if name.isidentifier():
            tells = f"open({str(folder / 'was-run')!r}, 'a').write({name!r})\n"
            (folder / f"{name}.py").write_text(tells)


def _run(words: Sequence[str], folder: Path, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603  # our own command
        words,
        cwd=folder,
        env=clean_environment(folder.parent, **more),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--help", "Usage: valetkey"),
        ("whoami --url http://127.0.0.1:1", "did not answer"),
        ("credentials x --url http://127.0.0.1:1 --format process", "did not answer"),
        ("exec x --url http://127.0.0.1:1 -- true", "did not answer"),
        ("setup aws plan --bucket b --url http://127.0.0.1:1", ""),
        ("settings", "data_dir"),
        ("init --email ada@example.com --data-dir data --json", "password"),
        ("worker --data-dir nosuch", "PostgreSQL"),
        ("serve --data-dir nosuch", "valetkey init"),
    ],
)
def test_the_command_runs_nothing_of_the_current_folder(
    folder: Path, words: str, said: str
) -> None:
    ran = _run([_SCRIPT, *words.split()], folder, VALETKEY_TOKEN="vkt_x")
    assert not (folder / "was-run").exists(), (folder / "was-run").read_text()
    assert "Traceback" not in ran.stderr
    assert said in ran.stdout + ran.stderr


def test_the_module_runs_nothing_of_the_current_folder_that_python_itself_does_not(
    tmp_path: Path,
) -> None:
    _plant(tmp_path, _USUAL)
    ran = _run([sys.executable, "-m", "valetkey.cli", "whoami"], tmp_path)
    assert not (tmp_path / "was-run").exists(), (tmp_path / "was-run").read_text()
    assert "not logged in" in ran.stderr


def test_the_driver_of_a_sync_on_ray_runs_nothing_of_the_servers_folder(folder: Path) -> None:
    program = (
        "import asyncio, os, sys\n"
        "from valetkey.catalog.engines.ray_process import driving\n"
        "async def main():\n"
        "    async with driving(os.environ) as driver:\n"
        "        driver._process.stdin.close()\n"
        "        await asyncio.wait_for(driver._process.wait(), 60)\n"
        "        print(driver._process.returncode)\n"
        "asyncio.run(main())\n"
    )
    ran = _run([sys.executable, "-P", "-c", program], folder)
    assert not (folder / "was-run").exists(), (folder / "was-run").read_text()
    assert ran.stdout == "0\n", ran.stderr


async def test_rays_workers_are_given_no_folder_that_others_may_write(tmp_path: Path) -> None:
    """Ray puts the driver's own folder first in the path of every worker."""
    told = "import json, os, sys; print(json.dumps([os.getcwd(), sys.path]))"
    command = (*DRIVER[: DRIVER.index("-m")], "-c", told)
    async with driving(clean_environment(tmp_path), command) as driver:
        assert driver._process.stdout is not None
        where, path = json.loads(await driver._process.stdout.readline())
    assert where == "/"
    assert "" not in path
