from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from msgspec.structs import replace

from support.held import held_credentials
from valetkey.cli.credential_helpers.child_environment import (
    OURS,
    RIVALS,
    environment_for,
    token_file,
)
from valetkey.cli.credential_helpers.endpoint import Endpoint
from valetkey.sdk import Credentials

ENDPOINT = Endpoint(5000, "silence_debug_logs-token")
AT_AWS = replace(held_credentials("ASIA1", datetime(2026, 1, 1, tzinfo=UTC)), region="eu-central-1")
ELSEWHERE = replace(AT_AWS, region=None, endpoint="http://127.0.0.1:9000")
FILE = Path("/run/token")


def around(before: dict[str, str] | None = None, first: Credentials = AT_AWS) -> dict[str, str]:
    return environment_for(ENDPOINT, FILE, first).applied_to(before or {})


@pytest.mark.parametrize("rival", [*RIVALS, *OURS])
def test_rivals_and_our_own_keys_are_taken_away(rival: str) -> None:
    assert rival not in around({rival: "x"})


def test_default_profiles_are_hidden_by_empty_files() -> None:
    files = ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE", "BOTO_CONFIG")
    assert [Path(around(dict.fromkeys(files, "/x"))[name]).read_bytes() for name in files] == [
        b""
    ] * 3


def test_the_rest_is_left_as_it_was() -> None:
    before = {"PATH": "/bin", "AWS_CA_BUNDLE": "/ca.pem", "AWS_ENDPOINT_URL_S3": "https://s3.local"}
    assert before.items() <= around(before).items()


def test_the_locations_region_and_endpoint_win() -> None:
    assert around({"AWS_REGION": "us-east-1"})["AWS_REGION"] == "eu-central-1"
    before = {"AWS_ENDPOINT_URL_S3": "https://s3.local", "AWS_REGION": "us-east-1"}
    found = around(before, ELSEWHERE)
    assert found["AWS_ENDPOINT_URL_S3"] == "http://127.0.0.1:9000"
    assert found["AWS_REGION"] == "us-east-1"
    assert "AWS_ALLOW_HTTP" not in around()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, None),
        ({"HTTP_PROXY": "http://p"}, "127.0.0.1"),
        ({"https_proxy": "http://p", "NO_PROXY": "a,b"}, "a,b,127.0.0.1"),
        ({"HTTP_PROXY": ""}, None),
    ],
)
def test_the_endpoint_is_kept_out_of_proxies(before: dict[str, str], after: str | None) -> None:
    found = around(before)
    assert (found.get("NO_PROXY"), found.get("no_proxy")) == (after, after)


def test_no_token_is_in_the_environment() -> None:
    assert not any(ENDPOINT.token in value for value in around().values())


def test_the_token_file_lies_in_the_sessions_own_place_if_there_is_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    with token_file("silence_debug_logs-token") as path:
        assert path.parent.parent == tmp_path
        assert path.read_bytes() == b"silence_debug_logs-token"
    assert list(tmp_path.iterdir()) == []
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "is-not-there"))
    with token_file("silence_debug_logs-token") as path:
        assert path.read_bytes() == b"silence_debug_logs-token"
