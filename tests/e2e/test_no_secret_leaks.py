"""A full run of a real server, right and wrong; then every response, log line, database file and
audit record is searched for the secrets that were used, in plain, base64, hex and URL form."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx2
import pytest

from support.aws import REGION, GoodSetup, make_setup
from valetkey.embedded import EmbeddedAws, Fault, FaultKind

ROOT = Path(__file__).parents[2]
PASSWORD = "open sesame, says Ali Baba"
WRONG_PASSWORD = "open barley, says Kasim!"
WRONG_SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYWRONGWRONG"


def forms(secret: str) -> Iterable[bytes]:
    """How a secret may look where it is not expected."""
    raw = secret.encode()
    yield raw
    yield quote(secret, safe="").encode()
    yield raw.hex().encode()
    yield json.dumps(secret)[1:-1].replace("/", "\\/").encode()
    # base64 of the secret wherever it begins within the encoded text
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        for shift in range(3):
            whole = encode(b"\0" * shift + raw)
            yield whole[(0, 2, 3)[shift] : len(whole) - 4]


@dataclass
class Run:
    """A server process, and everything that came out of it."""

    aws: EmbeddedAws
    setup: GoodSetup
    folder: Path
    http: httpx2.Client
    secrets: dict[str, str] = field(default_factory=dict)
    #: Answers as they came, each with the names of the secrets that it is meant to hold.
    answers: list[tuple[str, bytes, frozenset[str]]] = field(default_factory=list)

    def send(self, method: str, path: str, *, holds: Iterable[str] = (), **more: Any) -> Any:
        answer = self.http.request(method, path, **more)
        said = answer.content + repr(sorted(answer.headers.items())).encode()
        self.answers.append((f"{method} {path} {answer.status_code}", said, frozenset(holds)))
        return answer

    def api(self, method: str, path: str, **more: Any) -> Any:
        return self.send(method, "/api/v1" + path, **more)


def _environment(aws: EmbeddedAws) -> dict[str, str]:
    others = ("AWS_", "VALETKEY_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(others)}
    return kept | {
        "PYTHONPATH": str(ROOT / "src"),
        "AWS_ENDPOINT_URL": aws.endpoint,
        "AWS_REGION": REGION,
        "VALETKEY_LOG_FORMAT": "json",
        "VALETKEY_LOG_LEVEL": "debug",
        "VALETKEY_AWS_READ_TIMEOUT": "1",
    }


def _valetkey(folder: Path, *words: str) -> list[str]:
    return [sys.executable, "-m", "valetkey.cli", *words, "--data-dir", str(folder)]


@pytest.fixture
def run(embedded_aws: EmbeddedAws, tmp_path: Path) -> Iterator[Run]:
    folder, environment = tmp_path / "data", _environment(embedded_aws)
    init = _valetkey(folder, "init", "--email", "ada@example.com", "--password-file", "-")
    subprocess.run(init, input=PASSWORD, text=True, env=environment, check=True)  # noqa: S603
    serve = _valetkey(folder, "serve", "--port", "0", "--json")
    with (
        (tmp_path / "log").open("wb") as log,
        subprocess.Popen(serve, env=environment, stdout=subprocess.PIPE, stderr=log) as process,  # noqa: S603
    ):
        try:
            assert process.stdout is not None
            url = _url(process.stdout)
            with httpx2.Client(base_url=url, timeout=90) as http:
                setup = make_setup(embedded_aws, "acme-data")
                yield Run(embedded_aws, setup, tmp_path, http)
        finally:
            process.send_signal(signal.SIGTERM)


def _url(output: Any) -> str:
    text = ""
    for line in output:
        text += line.decode()
        try:
            found = json.loads(text)
        except json.JSONDecodeError:
            continue
        return str(found["url"])
    raise AssertionError(text)


def test_no_secret_of_a_full_run_is_found_anywhere(run: Run) -> None:
    run.secrets = {
        "password": PASSWORD,
        "wrong password": WRONG_PASSWORD,
        "secret key": run.setup.key.secret.reveal(),
        "wrong secret key": WRONG_SECRET,
        "administrator's secret": run.aws.administrator.secret.reveal(),
        "key-encryption key": (run.folder / "data" / "valetkey.key").read_text().strip(),
    }
    _sign_in(run)
    location_id = _use(run)
    _fail(run, location_id)
    _search(run)


def _sign_in(run: Run) -> None:
    wrong = {"username": "ada@example.com", "password": WRONG_PASSWORD}
    run.send("POST", "/token", json=wrong | {"type": "user_credentials"})
    right = {"username": "ada@example.com", "password": PASSWORD, "type": "user_credentials"}
    login = run.send("POST", "/token", json=right, holds=["login"]).json()
    run.secrets["login"] = login["id_token"]
    run.http.headers["Authorization"] = f"Bearer {login['id_token']}"
    made = run.api("POST", "/apiKeys", json={"description": "robot"}, holds=["API key"]).json()
    run.secrets["API key"] = made["jwt"]


def _use(run: Run) -> str:
    me = run.api("GET", "/users/me").json()
    org, project = me["orgs"][0]["id"], me["projects"][0]["id"]
    integrations = f"/orgs/{org}/integrations"
    options = {
        "key": run.setup.key.id,
        "secret": run.setup.key.secret.reveal(),
        "roleArns": run.setup.role_arn,
    }
    body = {"type": "aws-sts", "name": "aws", "options": options}
    made = run.api("POST", integrations, json=body).json()
    assert made["state"] == "verified", made
    payload = {"bucketName": run.setup.bucket, "path": "train"}
    location = run.api(
        "POST",
        "/drivers",
        json={
            "name": "data",
            "integrationId": made["id"],
            "type": "s3",
            "payload": payload,
            "metadata": {"system": {"projectId": project}},
        },
    ).json()
    wanted = {"prefixes": [""], "access": ["list", "read"]}
    path = f"/v1/locations/{location['id']}/credentials"
    parts = ["session secret", "session token"]
    vended = run.send("POST", path, json=wanted, holds=parts).json()
    run.secrets |= {
        "session secret": vended["secretAccessKey"],
        "session token": vended["sessionToken"],
    }
    run.send("GET", path, params={"prefix": "", "access": "list,read"}, holds=parts)
    path = f"/v1/locations/{location['id']}/presigned-urls"
    run.send("POST", path, json={"keys": ["train/x"]}, holds=parts[1:])
    run.api("POST", f"{integrations}/{made['id']}/verify")
    run.api("POST", f"/drivers/{location['id']}/test")
    run.api("GET", "/apiKeys")
    run.api("GET", integrations)
    run.api("GET", f"/orgs/{org}/members")
    for look in ("records?limit=1000", "export?format=jsonl", "export?format=csv"):
        run.send("GET", f"/v1/audit/{look}")
    run.send("POST", "/v1/audit/checks")
    run.send("GET", "/readyz")
    return str(location["id"])


def _fail(run: Run, location_id: str) -> None:
    me = run.api("GET", "/users/me").json()
    integrations = f"/orgs/{me['orgs'][0]['id']}/integrations"
    key, secret, role = run.setup.key.id, run.setup.key.secret.reveal(), run.setup.role_arn
    for name, options in {
        "wrong secret": {"key": key, "secret": WRONG_SECRET, "roleArns": role},
        "line end": {"key": key, "secret": secret + "\n", "roleArns": role},
        "secret for the key": {"key": secret, "secret": secret, "roleArns": role},
        "secret for the role": {"key": key, "secret": secret, "roleArns": secret},
        "no list": {"key": key, "secret": [secret], "roleArns": role},
        "a number": {"key": 5, "secret": secret, "roleArns": role},
        "no key": {"secret": secret, "roleArns": role},
    }.items():
        run.api("POST", integrations, json={"type": "aws-sts", "name": name, "options": options})
    run.api("POST", integrations, content=f'{{"secret": "{secret}"'.encode())
    run.api("GET", "/users/me", headers={"Authorization": f"Basic {PASSWORD}"})
    run.api("GET", "/users/me", headers={"Authorization": f"Bearer {run.secrets['API key']}x"})
    run.api("GET", "/drivers", params={"projectId": "x", "token": run.secrets["API key"]})
    for kind in (FaultKind.ERROR, FaultKind.GARBAGE, FaultKind.CUT, FaultKind.HANG):
        echo = f"the key {secret} and the token {run.secrets['session token']}"
        fault = Fault(kind, times=9, code="SignatureDoesNotMatch", message=echo, status=403)
        run.aws.faults.order(fault)
        wanted = {"prefixes": [f"{kind}"], "access": ["read"]}
        run.send("POST", f"/v1/locations/{location_id}/credentials", json=wanted)
        if kind is FaultKind.ERROR:
            run.api("POST", f"/drivers/{location_id}/test")
        run.aws.faults.clear()


def _search(run: Run) -> None:
    statuses = {name.rpartition(" ")[2][0] for name, _, _ in run.answers}
    assert statuses >= {"2", "4", "5"}, "the run was not as wide as it claims to be"
    files = [path for path in run.folder.rglob("*") if path.is_file()]
    nothing: frozenset[str] = frozenset()
    places = [(str(path.relative_to(run.folder)), path.read_bytes(), nothing) for path in files]
    assert any(b"credentials.vend" in content for _, content, _ in places)
    assert sum(content.count(b'"event": "request"') for _, content, _ in places) > 25
    found = {
        f"{name} in {place}"
        for place, content, meant in [*places, *run.answers]
        for name, secret in run.secrets.items()
        for form in forms(secret)
        if form in content and name not in meant and place != "data/valetkey.key"
    }
    assert found == set()
