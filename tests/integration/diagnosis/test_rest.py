"""Verification over REST and the client library: the report, check by check as it happens, and
the verdict that is kept."""

from __future__ import annotations

import json
from typing import Any

import httpx2
import pytest

from support.aws import assume_policy, client
from support.server import ANNOTATOR, DEVELOPER, OWNER, Installation


def stream(server: Installation, path: str, email: str) -> tuple[int, list[dict[str, Any]]]:
    """POST, and read the answer line by line."""
    headers = {
        "Authorization": f"Bearer {server.token(email)}",
        "Accept": "application/x-ndjson",
    }
    with (
        httpx2.Client(base_url=server.url, headers=headers, timeout=60) as http,
        http.stream("POST", f"/v1{path}") as answer,
    ):
        return answer.status_code, [json.loads(line) for line in answer.iter_lines()]


def integration_path(server: Installation) -> str:
    return f"/integrations/{server.integration.id}/verifications"


def test_the_client_library_gives_the_report(valetkey_server: Installation) -> None:
    server = valetkey_server
    with server.client(OWNER) as owner:
        report = owner.integrations.verify(server.integration.id)
    assert report.passed
    assert report.conclusive
    assert [check.name for check in report.checks][:6] == [
        *("sts", "key", "secret", "clock", "assume", "trust"),
    ]
    [width] = [check for check in report.checks if check.advisory and check.outcome == "failed"]
    assert (width.name, width.layer, width.subject) == (
        "role-width",
        "identity",
        server.location.name,
    )


@pytest.mark.parametrize("kind", ["integration", "location"])
def test_checks_come_a_line_each_and_the_report_last(
    valetkey_server: Installation, kind: str
) -> None:
    server = valetkey_server
    if kind == "integration":
        status, lines = stream(server, integration_path(server), OWNER)
        subject = f"integration:{server.integration.id}"
    else:
        status, lines = stream(server, f"/locations/{server.location.id}/verifications", DEVELOPER)
        subject = f"location:{server.location.id}"
    assert status == 200
    *checks, last = lines
    assert [line["check"] for line in checks] == last["report"]["checks"]
    assert last["report"]["passed"]
    assert last["report"]["subject"] == subject


def test_the_verdict_is_kept_with_the_integration(valetkey_server: Installation) -> None:
    server, setup = valetkey_server, valetkey_server.setup
    iam = client(server.aws, "iam")
    with server.client(OWNER) as owner:
        iam.delete_user_policy(UserName=setup.user, PolicyName="assume")
        try:
            stream(server, integration_path(server), OWNER)
            [failing] = owner.integrations.list()
        finally:
            iam.put_user_policy(
                UserName=setup.user,
                PolicyName="assume",
                PolicyDocument=assume_policy(setup.role_arn),
            )
        assert failing.state == "failing"
        assert "no right to assume the role" in (failing.state_reason or "")
        stream(server, integration_path(server), OWNER)
        [verified] = owner.integrations.list()
        assert (verified.state, verified.state_reason) == ("verified", None)
        assert verified.verified_at


@pytest.mark.parametrize("email", [DEVELOPER, ANNOTATOR])
def test_who_may_not_verify_gets_no_stream(valetkey_server: Installation, email: str) -> None:
    status, _ = stream(valetkey_server, integration_path(valetkey_server), email)
    assert status == 403


def test_what_is_not_there_gets_no_stream(valetkey_server: Installation) -> None:
    status, _ = stream(valetkey_server, f"/locations/{'0' * 24}/verifications", DEVELOPER)
    assert status == 404


def test_no_secret_is_in_what_is_streamed(valetkey_server: Installation) -> None:
    _, lines = stream(valetkey_server, integration_path(valetkey_server), OWNER)
    assert valetkey_server.setup.key.secret.reveal() not in json.dumps(lines)
