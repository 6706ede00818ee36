"""The exported script, run by the real ``aws`` command, yields what ``apply`` does."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from support.setup_aws import Bench, make_spec, snapshot
from valetkey.domain.setup import SetupSpec
from valetkey.domain.setup.export import shell_script
from valetkey.services.setup import holds

FOLDER = 'a b/$x/it\'s "q"/é'
SPECS = [make_spec(), make_spec(folder=FOLDER, revocation=True)]


def run_script(here: Bench, spec: SetupSpec, **overrides: str) -> subprocess.CompletedProcess[str]:
    script = here.folder / "setup.sh"
    script.parent.mkdir(parents=True, exist_ok=True)
    script.write_text(shell_script(spec), encoding="utf-8")
    commands = Path(sys.executable).parent  # where pip put the aws command
    environment = {
        **os.environ,
        "PATH": f"{commands}:{os.environ['PATH']}",
        "KEY_FILE": str(here.secret_file),
        "HOME": str(here.folder),
        **overrides,
    }
    shell = shutil.which("sh")
    assert shell
    return subprocess.run(  # noqa: S603  # the script under test
        [shell, str(script)], env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("spec", SPECS, ids=["plain", "folder and revocation"])
async def test_the_script_yields_what_apply_yields_and_verify_calls_it_good(
    here: Bench, elsewhere: Bench, spec: SetupSpec
) -> None:
    done = run_script(here, spec)
    assert done.returncode == 0, done.stderr
    assert holds(await here.setup.verify(spec))
    by_script = snapshot(here)
    here.aws.reset()
    # The same account, empty again, under its new administrator.
    os.environ["AWS_ACCESS_KEY_ID"] = here.aws.administrator.id
    os.environ["AWS_SECRET_ACCESS_KEY"] = here.aws.administrator.secret.reveal()
    await elsewhere.setup.apply(spec)
    assert by_script == snapshot(elsewhere)


async def test_apply_finds_nothing_to_do_after_the_script(here: Bench) -> None:
    assert run_script(here, SPECS[0]).returncode == 0
    plan = await here.setup.plan(SPECS[0])
    assert plan.settled


def test_names_can_be_given_to_the_script(here: Bench) -> None:
    done = run_script(here, SPECS[0], BUCKET="another-bucket", ROLE_NAME="another-role")
    assert done.returncode == 0, done.stderr
    state = snapshot(here)
    assert set(state["buckets"]) == {"another-bucket"}
    assert set(state["roles"]) == {"another-role"}
    inline = state["users"]["valetkey-user"]["inline"]["valetkey-assume-role"]
    assert inline["Statement"]["Resource"].endswith(":role/another-role")


def test_the_script_keeps_the_secret_private_and_never_overwrites_one(here: Bench) -> None:
    here.folder.mkdir(parents=True, exist_ok=True)
    here.secret_file.write_text("an older secret")
    done = run_script(here, SPECS[0])
    assert done.returncode != 0
    assert here.secret_file.read_text() == "an older secret"
    assert "SecretAccessKey" not in done.stdout + done.stderr
