"""The commands as an administrator types them."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest

from support.setup_aws import Bench, snapshot
from valetkey.cli.setup import app
from valetkey.embedded import EmbeddedAws, Fault, FaultKind

BUCKET = ["--bucket", "acme-data"]


@pytest.fixture
def secret_file(here: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("COLUMNS", "200")
    for name in ("VALETKEY_URL", "VALETKEY_TOKEN", "VALETKEY_TOKEN_FILE"):
        monkeypatch.delenv(name, raising=False)
    return here.secret_file


def command(*words: str) -> int:
    """Run a command to its exit code."""
    with pytest.raises(SystemExit) as caught:
        app(["aws", *words])
    code = caught.value.code
    assert isinstance(code, int)
    return code


def kept(secret_file: Path) -> list[str]:
    return [*BUCKET, "--secret-file", str(secret_file)]


def answered(capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(capsys.readouterr().out)


def test_from_plan_to_destroy(
    here: Bench, secret_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command("plan", *BUCKET) == 0
    assert "10 steps to do" in capsys.readouterr().out
    assert command("apply", *kept(secret_file)) == 0
    shown = capsys.readouterr()
    assert "Everything holds." in shown.out
    assert "waiting" not in shown.err
    assert command("verify", *kept(secret_file)) == 0
    assert command("destroy", *kept(secret_file), "--yes") == 0
    assert snapshot(here)["users"] == {}


def test_a_plan_for_programs_names_each_call(
    secret_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command("plan", *kept(secret_file), "--json") == 0
    plan = answered(capsys)
    assert plan["steps"][0]["calls"][0]["action"] == "s3:CreateBucket"
    assert not plan["settled"]


def test_what_apply_did_for_programs_has_no_secret(
    here: Bench, secret_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command("apply", *kept(secret_file), "--json") == 0
    shown = capsys.readouterr()
    applied = json.loads(shown.out)
    key = here.custodian.read()
    assert key is not None
    assert applied["complete"]
    assert applied["accessKeyId"] == key.id
    assert key.secret.reveal() not in shown.out + shown.err


def test_the_secret_is_shown_when_asked_for(
    here: Bench, secret_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command("apply", *kept(secret_file), "--show-secret") == 0
    key = here.custodian.read()
    assert key is not None
    assert key.secret.reveal() in capsys.readouterr().err


def test_apply_wants_somebody_to_keep_the_secret(
    here: Bench, secret_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    del secret_file
    assert command("apply", *BUCKET) == 2
    assert "--secret-file" in capsys.readouterr().err
    assert here.api.writes == []


def test_verify_without_a_keeper_leaves_the_key_open(
    secret_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command("apply", *kept(secret_file))
    capsys.readouterr()
    assert command("verify", *BUCKET, "--json") == 0
    outcomes = {check["name"]: check["outcome"] for check in answered(capsys)["checks"]}
    assert outcomes["access-key"] == "skipped"
    assert outcomes["trust"] == "passed"


def test_verify_of_nothing_fails(secret_file: Path) -> None:
    assert command("verify", *kept(secret_file)) == 1


def test_destroy_asks_and_without_an_answer_removes_nothing(
    here: Bench, secret_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command("apply", *kept(secret_file))
    before = snapshot(here)
    assert command("destroy", *kept(secret_file)) == 2
    shown = capsys.readouterr()
    assert "user valetkey-user" in shown.out  # listed before anything else
    assert "--yes" in shown.err
    assert snapshot(here) == before


def test_names_that_aws_would_refuse_are_refused_here(
    secret_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    del secret_file
    assert command("plan", "--bucket", "Not_A_Bucket") == 2
    assert "can't be the name of a bucket" in capsys.readouterr().err


FAULTS = [
    (
        Fault(FaultKind.ERROR, "iam", "CreateUser", code="AccessDenied", status=403),
        7,
        "iam:CreateUser",
    ),
    (Fault(FaultKind.CUT, "sts", times=99), 8, "did not answer"),
]


@pytest.mark.parametrize(("fault", "code", "says"), FAULTS)
def test_exit_codes_mean_something(
    aws: EmbeddedAws,
    secret_file: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    fault: Fault,
    code: int,
    says: str,
) -> None:
    monkeypatch.setattr("valetkey.services.setup.setup._LOOK_SECONDS", 0.0)
    aws.faults.order(fault)
    assert command("apply", *kept(secret_file)) == code
    assert says in capsys.readouterr().err.replace("\n", " ")


def test_a_conflict_has_its_own_exit_code(here: Bench, secret_file: Path) -> None:
    here.client("iam").create_user(UserName="valetkey-user")
    assert command("plan", *kept(secret_file)) == 1
    assert command("apply", *kept(secret_file)) == 6


def test_without_credentials_one_is_told_how_to_get_them(
    secret_file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    del secret_file
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    assert command("plan", *BUCKET) == 2
    assert "no AWS credentials" in capsys.readouterr().err.replace("\n", " ")


def test_an_unknown_profile_is_named(secret_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    del secret_file
    assert command("plan", *BUCKET, "--aws-profile", "nobody") == 2
    assert "nobody" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["cloudformation", "terraform-json", "aws-cli", "policy-json"])
def test_an_export_asks_aws_nothing_and_can_be_written_to_a_file(
    aws: EmbeddedAws,
    secret_file: Path,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    name: str,
) -> None:
    del secret_file
    before = len(aws.calls)
    assert command("export", *BUCKET, "--format", name) == 0
    printed = capsys.readouterr().out
    file = tmp_path / "export"
    assert command("export", *BUCKET, "--format", name, "--output", str(file)) == 0
    assert file.read_text(encoding="utf-8") == printed
    assert len(aws.calls) == before


def test_a_journal_that_was_tampered_with_is_not_guessed_at(
    secret_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "state" / "valetkey" / "setup"
    folder.mkdir(parents=True)
    (folder / "000000000000-valetkey.json").write_text("{")
    assert command("apply", *kept(secret_file)) == 2
    assert "can't be read" in capsys.readouterr().err.replace("\n", " ")


def test_a_secret_file_that_others_may_read_is_refused(
    secret_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command("apply", *kept(secret_file))
    secret_file.chmod(0o644)
    capsys.readouterr()
    assert command("verify", *kept(secret_file)) == 2
    assert "chmod 600" in capsys.readouterr().err
    assert stat.S_IMODE(secret_file.stat().st_mode) == 0o644
