"""Every command of the client once, against a real server over the embedded AWS."""

from __future__ import annotations

import shlex
import stat
import sys
from pathlib import Path

import boto3
import httpx2
import pytest
import yaml  # type: ignore[import-untyped]

from support.aws import REGION
from support.commands import Asked, Commands
from support.real_api import PASSWORD
from support.server import ANNOTATOR, DEVELOPER, LOCATION, OWNER, Installation
from valetkey.embedded.faults import Fault, FaultKind

pytestmark = pytest.mark.xdist_group("valetkey_server")


@pytest.fixture
def owner(commands: Commands, valetkey_server: Installation) -> Commands:
    """The organisation's owner, with a token in the environment."""
    commands.set(VALETKEY_URL=valetkey_server.url, VALETKEY_TOKEN=valetkey_server.token(OWNER))
    return commands


@pytest.fixture
def developer(commands: Commands, valetkey_server: Installation) -> Commands:
    commands.set(VALETKEY_URL=valetkey_server.url, VALETKEY_TOKEN=valetkey_server.token())
    return commands


@pytest.fixture
def secret_file(valetkey_server: Installation, tmp_path: Path) -> str:
    file = tmp_path / "secret"
    file.write_text(valetkey_server.setup.key.secret.reveal() + "\n")
    return str(file)


def test_login_keeps_a_token_that_only_its_owner_reads(
    commands: Commands, valetkey_server: Installation
) -> None:
    words = ["login", "--url", valetkey_server.url, "--email", OWNER, "--password-file", "-"]
    ran = commands.run(*words, "--json", stdin=PASSWORD + "\n")
    assert ran.code == 0
    assert ran.json["email"] == OWNER
    kept = Path(ran.json["file"])
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert PASSWORD not in kept.read_text()
    assert commands.run("whoami", "--json").json["email"] == OWNER
    assert OWNER in commands.run("whoami").out
    assert commands.run("logout", "--json").json == {"loggedOut": True}
    assert not kept.exists()
    assert commands.run("whoami").code == 3


def test_a_login_is_not_shown_to_another_server(
    commands: Commands, valetkey_server: Installation
) -> None:
    words = ["login", "--url", valetkey_server.url, "--email", OWNER, "--password-file", "-"]
    assert commands.run(*words, stdin=PASSWORD).code == 0
    ran = commands.run("whoami", "--url", "http://127.0.0.1:1")
    assert ran.code == 3  # not 8: nobody was asked
    assert "not logged in at http://127.0.0.1:1" in ran.said


def test_a_wrong_password_is_refused_in_words(
    commands: Commands, valetkey_server: Installation
) -> None:
    words = ["login", "--url", valetkey_server.url, "--email", OWNER, "--password-file", "-"]
    ran = commands.run(*words, stdin="no such password")
    assert ran.code == 3
    assert "the password is wrong" in ran.said
    assert "Traceback" not in ran.said


def test_an_integration_lives_from_create_to_delete(
    owner: Commands, valetkey_server: Installation, secret_file: str
) -> None:
    setup = valetkey_server.setup
    words = ["--key", setup.key.id, "--role-arn", setup.role_arn, "--secret-file", secret_file]
    made = owner.run("integrations", "create", "second", *words, "--json")
    assert made.code == 0, made.said
    assert made.json["name"] == "second"
    assert made.json["report"]["passed"]
    assert setup.key.secret.reveal() not in made.said
    assert {"acme", "second"} <= {
        each["name"] for each in owner.run("integrations", "list", "--json").json["items"]
    }
    assert setup.role_arn in owner.run("integrations", "list").out
    assert owner.run("integrations", "show", "second", "--json").json["accessKeyId"] == setup.key.id
    assert setup.key.id in owner.run("integrations", "show", "second").out
    changed = owner.run("integrations", "update", "second", "--new-name", "renamed", "--json")
    assert changed.json["name"] == "renamed"
    verified = owner.run("integrations", "verify", "renamed", "--json")
    assert (verified.code, verified.json["passed"]) == (0, True)
    assert "works" in owner.run("integrations", "verify", "renamed").out
    deleted = owner.run("integrations", "delete", "renamed", "--json")
    assert (deleted.code, deleted.json) == (0, {"liveLeases": 0})
    assert owner.run("integrations", "show", "renamed").code == 5


def test_an_integration_that_does_not_work_is_kept_and_ends_with_1(
    owner: Commands, valetkey_server: Installation
) -> None:
    setup = valetkey_server.setup
    words = ["--key", setup.key.id, "--role-arn", setup.role_arn, "--secret-file", "-"]
    ran = owner.run("integrations", "create", "wrong", *words, stdin="x" * 40)
    assert ran.code == 1
    assert "failed" in ran.out
    assert owner.run("integrations", "verify", "wrong").code == 1
    assert owner.run("integrations", "delete", "wrong").code == 0


def test_an_integration_in_use_is_not_deleted(owner: Commands) -> None:
    ran = owner.run("integrations", "delete", "acme")
    assert ran.code != 0
    assert "location" in ran.said.lower()


def test_a_location_lives_from_create_to_delete(
    owner: Commands, valetkey_server: Installation
) -> None:
    bucket, endpoint = valetkey_server.setup.bucket, valetkey_server.aws.endpoint
    words = ["--integration", "acme", "--bucket", bucket, "--folder", "other/"]
    words += ["--access", "list,read,write,delete", "--ends", "30d"]
    made = owner.run("locations", "create", "second", *words, "--endpoint", endpoint, "--json")
    assert made.code == 0, made.said
    assert (made.json["bucket"], made.json["folder"]) == (bucket, "other/")
    assert made.json["endsAt"]
    listed = owner.run("locations", "list", "--json").json["items"]
    assert {LOCATION, "second"} <= {each["name"] for each in listed}
    assert {LOCATION, "second"} <= set(
        owner.run("locations", "list", "-o", "name").out.splitlines()
    )
    assert f"s3://{bucket}/other/" in owner.run("locations", "list").out
    assert owner.run("locations", "show", "second", "--json").json["id"] == made.json["id"]
    words = ["--new-name", "third", "--allow-external-delete", "--json"]
    changed = owner.run("locations", "update", "second", *words)
    assert (changed.json["name"], changed.json["allowExternalDelete"]) == ("third", True)
    key = "arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
    words = ["--kms-key-arn", key, "--shared-sessions", "--json"]
    changed = owner.run("locations", "update", "third", *words)
    assert (changed.json["kmsKeyArn"], changed.json["sharedSessions"]) == (key, True)
    words = ["--kms-key-arn", "", "--no-shared-sessions", "--ends", "never", "--json"]
    changed = owner.run("locations", "update", "third", *words)
    assert changed.json["sharedSessions"] is False
    assert not {"kmsKeyArn", "endsAt"} & set(changed.json)
    words = ["--bucket", bucket, "--folder", "other/deep/", "--access", "list,read"]
    within = owner.run("locations", "create", "within", *words, "--json")
    assert within.json["parentId"] == made.json["id"], within.said
    assert owner.run("locations", "delete", "within", "--yes").code == 0
    assert owner.run("locations", "update", "third").code == 2
    tested = owner.run("locations", "test", "third", "--json")
    assert (tested.code, tested.json["passed"]) == (0, True)
    assert owner.run("locations", "verify", "third").code == 0
    assert owner.run("locations", "delete", "third").code == 0
    assert owner.run("locations", "show", "third").code == 5


def test_credentials_come_in_the_forms_that_other_tools_take(developer: Commands) -> None:
    words = ["credentials", LOCATION, "--prefix", "cats/", "--access", "list,read", "--ttl", "15m"]
    env = developer.run(*words)
    assert env.code == 0, env.said
    assert env.out.startswith("export AWS_ACCESS_KEY_ID=")
    assert "train/cats/" in env.err
    assert developer.run(*words, "--format", "dotenv").out.startswith("AWS_ACCESS_KEY_ID=")
    process = developer.run(*words, "--format", "process")
    assert set(process.json) == {
        "Version",
        "AccessKeyId",
        "SecretAccessKey",
        "SessionToken",
        "Expiration",
    }
    assert developer.run(*words, "--format", "process").json == process.json  # kept on disk
    told = developer.run(*words, "--json").json
    assert told["prefixes"] == ["train/cats/"]
    assert told["access"] == ["list", "read"]


def test_a_profile_with_a_short_credential_asks_valetkey_once(
    developer: Commands, valetkey_server: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """botocore runs a credential_process before each request once 15 minutes or less are left."""
    words = ["credentials", LOCATION, "--format", "process", "--ttl", "15m", "--prefix", "cats/"]
    command = shlex.join([sys.executable, "-m", "valetkey.cli", *words])
    config = developer.home / "config"
    config.write_text(f"[profile short]\ncredential_process = {command}\n")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    developer.set(AWS_CONFIG_FILE=str(config))

    def vends() -> int:
        return len(list(client.audit.list(action="credentials.vend", outcome="allowed")))

    with valetkey_server.client(OWNER) as client:
        before = vends()
        session = boto3.Session(profile_name="short", region_name=REGION)
        s3 = session.client("s3", endpoint_url=valetkey_server.aws.endpoint)
        for _ in range(3):
            s3.get_object(Bucket=valetkey_server.setup.bucket, Key="train/cats/1.txt")
        assert vends() == before + 1


def test_credentials_say_what_may_surprise_and_last_all_their_time_where_they_are_to_be_fresh(
    developer: Commands,
) -> None:
    for prefix, told in (("train/*", "letter by letter"), ("a/b.jpg", "an object's name")):
        ran = developer.run("credentials", LOCATION, "--prefix", prefix, "--format", "dotenv")
        assert told in " ".join(ran.err.split())
        assert told not in ran.out
    words = ["credentials", LOCATION, "--prefix", "cats/", "--ttl", "16m", "--json"]
    before, again = (developer.run(*words).json["accessKeyId"] for _ in range(2))
    assert before == again
    assert developer.run(*words, "--fresh").json["accessKeyId"] != before
    form = developer.run(*words[:-1], "--format", "process", "--fresh").json
    assert form["AccessKeyId"] not in {before, ""}


REFUSED = [
    (["--prefix", "cats/", "--access", "fly"], 2, "fly"),
    (["--ttl", "soon"], 2, "no length of time"),
    (["--ttl", "60"], 2, "900"),
    (["--prefix", "../other/"], 2, ".."),
]


@pytest.mark.parametrize(("words", "code", "says"), REFUSED)
def test_credentials_that_cannot_be_right_are_refused_in_words(
    developer: Commands, words: list[str], code: int, says: str
) -> None:
    ran = developer.run("credentials", LOCATION, *words)
    assert (ran.code, ran.out) == (code, "")
    assert says in ran.said


def test_who_may_not_is_told_so_by_the_exit_code(
    commands: Commands, valetkey_server: Installation
) -> None:
    commands.set(VALETKEY_URL=valetkey_server.url, VALETKEY_TOKEN=valetkey_server.token(ANNOTATOR))
    refused = commands.run("credentials", valetkey_server.location.id)
    assert refused.code == 4
    assert commands.run("integrations", "list").code == 4
    shown = commands.run("integrations", "list", "--json")
    assert shown.code == 4
    assert {"message", "code", "hint", "requestId"} == set(shown.json["error"])


def test_an_api_token_lives_from_create_to_revoke(
    owner: Commands, valetkey_server: Installation, tmp_path: Path
) -> None:
    file = tmp_path / "key"
    words = ["--for", "7d", "--location", LOCATION, "--prefix", "cats/", "--access", "list,read"]
    made = owner.run("tokens", "create", "ci", *words, "--file", str(file), "--json")
    assert made.code == 0, made.said
    assert made.json["limits"]["locationIds"] == [valetkey_server.location.id]
    assert made.json["limits"]["prefixes"] == ["cats/"]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert not file.read_text().endswith("\n")
    owner.set(VALETKEY_TOKEN="", VALETKEY_TOKEN_FILE=str(file))
    assert owner.run("whoami", "--json").json["email"] == OWNER
    refused = owner.run("tokens", "revoke", made.json["id"])
    assert (refused.code, "API token" in refused.said) == (4, True)
    login = tmp_path / "login"
    login.write_text(valetkey_server.token(OWNER))
    owner.set(VALETKEY_TOKEN_FILE=str(login))
    ran = owner.run("tokens", "list", "--json")
    assert ran.code == 0, ran.said
    listed = ran.json["items"]
    assert owner.run("tokens", "show", made.json["id"], "--json").json["name"] == "ci"
    assert made.json["id"] in {key["id"] for key in listed}
    assert not any("token" in key for key in listed)
    assert "ci" in owner.run("tokens", "list").out
    assert owner.run("tokens", "revoke", made.json["id"], "--json").code == 0
    owner.set(VALETKEY_TOKEN_FILE=str(file))
    ended = owner.run("whoami")
    assert ended.code == 3
    assert "revoked" in ended.said


def test_an_api_token_is_printed_once_and_alone(owner: Commands) -> None:
    ran = owner.run("tokens", "create", "by hand")
    assert ran.code == 0
    assert ran.out.startswith("vkt_")
    assert len(ran.out.split()) == 1


def test_a_project_and_its_members_come_and_go(owner: Commands) -> None:
    made = owner.run("projects", "create", "maps", "--json")
    assert made.code == 0, made.said
    assert "maps" in owner.run("projects", "list").out
    assert made.json["id"] in {
        each["id"] for each in owner.run("projects", "list", "--json").json["items"]
    }
    place = ["--project", "maps"]
    added = owner.run("members", "add", DEVELOPER, "--role", "developer", *place, "--json")
    assert (added.code, added.json["email"]) == (0, DEVELOPER)
    assert DEVELOPER in owner.run("members", "list", *place).out
    removed = owner.run("members", "remove", DEVELOPER, *place)
    assert (removed.code, f"{DEVELOPER} is no longer in maps" in removed.said) == (0, True)
    listed = owner.run("members", "list", *place, "--json").json["items"]
    assert DEVELOPER not in {member["email"] for member in listed}
    assert owner.run("projects", "delete", "maps").code == 0


def test_somebody_new_gets_a_first_password_that_is_not_on_the_command_line(
    owner: Commands, valetkey_server: Installation
) -> None:
    words = ["members", "add", "new@example.com", "--role", "member"]
    ran = owner.run(*words, "--password-file", "-", stdin="a first password\n")
    assert ran.code == 0, ran.said
    login = ["login", "--url", valetkey_server.url, "--email", "new@example.com"]
    assert owner.run(*login, "--password-file", "-", stdin="a first password").code == 0
    left = owner.run("members", "remove", "new@example.com", "--json")
    assert (left.code, left.json["person"]["email"], left.json["remaining"]) == (
        0,
        "new@example.com",
        [],
    )


def test_the_audit_trail_is_listed_exported_and_proven(owner: Commands, tmp_path: Path) -> None:
    owner.run("projects", "create", "seen")
    listed = owner.run("audit", "list", "--json", "--limit", "500")
    assert listed.code == 0, listed.said
    assert "project.create" in {record["action"] for record in listed.json["items"]}
    assert "project.create" in owner.run("audit", "list", "--action", "project.create").out
    verdict = owner.run("audit", "check", "--json")
    assert (verdict.code, verdict.json["holds"]) == (0, True)
    for form in ("jsonl", "csv"):
        file = tmp_path / form
        assert owner.run("audit", "export", "--format", form, "--file", str(file)).code == 0
        assert "project.create" in file.read_text()


def test_without_a_server_it_says_so(commands: Commands) -> None:
    commands.set(VALETKEY_URL="http://127.0.0.1:1", VALETKEY_TOKEN="a.b.c")
    ran = commands.run("projects", "list")
    assert ran.code == 8
    assert "did not answer" in ran.said


def test_a_dataset_lives_from_create_to_a_second_sync(developer: Commands) -> None:
    made = developer.run("datasets", "create", "cats", "--location", LOCATION, "--json")
    assert made.code == 0, made.said
    synced = developer.run("datasets", "sync", "cats", "--parallel", "2", "--json")
    assert synced.code == 0, synced.said
    assert synced.json["state"] == "succeeded"
    files = synced.json["counts"]["added"]
    assert files >= 4
    again = developer.run("datasets", "sync", made.json["id"])
    assert again.code == 0
    assert f"0 added, 0 changed, 0 removed, {files} unchanged" in again.said
    listed = {one["name"]: one for one in developer.run("datasets", "list", "--json").json["items"]}
    assert (listed["cats"]["id"], listed["cats"]["objectCount"]) == (made.json["id"], files)
    assert made.json["id"] in developer.run("datasets", "list").out
    assert developer.run("datasets", "create", "twin", "--location", LOCATION).code == 0
    cloned = developer.run("datasets", "clone", "cats", "twin", "--json")
    assert (cloned.code, cloned.json["kind"], cloned.json["state"]) == (0, "clone", "succeeded")
    assert developer.run("datasets", "clone", "cats", "cats").code == 6
    assert developer.run("datasets", "show", "twin", "--json").json["objectCount"] == files
    assert developer.run("datasets", "delete", "twin", "--yes").code == 0
    assert developer.run("datasets", "cancel", "cats").code == 2
    assert developer.run("datasets", "sync", "dogs").code == 5


ASKING_AN_ORG = [
    "locations list",
    f"locations show '{LOCATION}'",
    "datasets list",
    "datasets show cats",
    "objects list cats",
    "service-accounts list --project default",
    "projects list",
    "projects show default",
    "groups list",
    "members list",
    "integrations list",
    "integrations show acme",
    "leases list",
    "audit list",
    "tokens create x",
    "blocks list",
    f"grants list '{LOCATION}'",
    f"credentials '{LOCATION}'",
    f"credentials '{LOCATION}' --format process",
    f"presign '{LOCATION}' train/a.txt",
    f"exec '{LOCATION}' -- true",
]


@pytest.mark.parametrize("words", ASKING_AN_ORG)
def test_an_organisation_that_is_named_is_the_one_that_is_meant(
    owner: Commands, valetkey_server: Installation, words: str
) -> None:
    command, dashes, others = words.partition(" -- ")
    more = [*dashes.split(), *others.split()]
    assert owner.run(*shlex.split(command), "--org", "nosuch", *more).code == 5
    if "cats" not in command and "exec" not in command:
        assert owner.run(*shlex.split(command), "--org", valetkey_server.org_id, *more).code == 0


def test_what_changes_while_the_question_stands_is_not_deleted(
    developer: Commands, valetkey_server: Installation
) -> None:
    made = developer.run("datasets", "create", "asked", "--location", LOCATION, "--json").json
    assert developer.run("datasets", "sync", "asked").code == 0
    entry = developer.run("objects", "list", "asked", "-o", "json").json["items"][0]
    with valetkey_server.client(DEVELOPER) as client:
        renames = Asked("yes\n", lambda: client.datasets.update(made["id"], name="renamed"))
        describes = Asked("yes\n", lambda: client.objects.update(entry["id"], description="kept"))
        for words, stdin in (
            (("objects", "delete", entry["id"]), describes),
            (("datasets", "delete", "asked"), renames),
        ):
            ran = developer.run(*words, stdin=stdin)
            assert ran.code == 6
            assert "changed since it was read" in ran.said
        assert client.objects.get(entry["id"]).description == "kept"
    ran = developer.run("objects", "delete", entry["id"], stdin=Asked("yes\n"))
    assert (ran.code, entry["path"] in ran.said) == (0, True)
    assert developer.run("datasets", "delete", "renamed", "--yes").code == 0


def test_datasets_that_name_no_location_go_to_their_project_s_default_one(
    owner: Commands, valetkey_server: Installation
) -> None:
    project = valetkey_server.project_id
    assert owner.run("projects", "update", project).code == 2
    words = ["projects", "update", project, "--default-location"]
    changed = owner.run(*words, LOCATION, "--json")
    assert changed.json["defaultLocationId"] == valetkey_server.location.id, changed.said
    create = ["datasets", "create", "of the default", "--project", project]
    made = owner.run(*create, "--json")
    assert made.code == 0, made.said
    assert owner.run("datasets", "delete", made.json["id"], "--yes").code == 0
    assert "defaultLocationId" not in owner.run(*words, "", "--json").json
    refused = owner.run(*create)
    assert refused.code == 2
    assert "default" in refused.said


def test_a_sync_under_way_is_cancelled_and_no_second_one_is_begun(
    developer: Commands, valetkey_server: Installation
) -> None:
    assert (
        developer.run("datasets", "create", "stopped", "--location", LOCATION, "--json").code == 0
    )
    stuck = Fault(FaultKind.HANG, "s3", "GET bucket", times=1000)
    valetkey_server.aws.faults.order(stuck)
    try:
        begun = developer.run("datasets", "sync", "stopped", "--no-wait", "--json")
        assert begun.json["state"] == "pending", begun.said
        assert developer.run("datasets", "sync", "stopped", "--no-wait").code == 6
        ended = developer.run("datasets", "cancel", "stopped", "--json")
    finally:
        valetkey_server.aws.faults.clear()
    assert (ended.json["id"], ended.json["state"]) == (begun.json["id"], "canceled")


def test_a_sync_that_aws_refuses_ends_with_1_and_the_cause(
    developer: Commands, valetkey_server: Installation
) -> None:
    assert (
        developer.run("datasets", "create", "refused", "--location", LOCATION, "--json").code == 0
    )
    denied = Fault(FaultKind.ERROR, "s3", "GET bucket", times=1000, code="AccessDenied", status=403)
    valetkey_server.aws.faults.order(denied)
    try:
        ran = developer.run("datasets", "sync", "refused")
    finally:
        valetkey_server.aws.faults.clear()
    assert ran.code == 1
    assert "The sync failed: " in ran.said


def test_json_is_the_answer_as_it_came_over_the_wire(
    owner: Commands, valetkey_server: Installation
) -> None:
    """Nothing is dropped: an aws-cross role's trust policy needs the external id."""
    made = owner.run("integrations", "create", "crossed", "--type", "aws-cross", "--json")
    assert made.code == 0, made.said
    with httpx2.Client(base_url=valetkey_server.url) as http:
        http.headers["authorization"] = f"Bearer {valetkey_server.token(OWNER)}"
        came = http.get(f"/v1/integrations/{made.json['id']}").json()
        everything = http.get("/v1/integrations").json()
    assert came["externalId"]
    shown = owner.run("integrations", "show", "crossed", "--json")
    assert shown.json == came
    assert came["externalId"] in owner.run("integrations", "show", "crossed").out
    assert yaml.safe_load(owner.run("integrations", "show", "crossed", "-o", "yaml").out) == came
    assert owner.run("integrations", "list", "-o", "json").json == everything
    listed = owner.run("integrations", "list", "-o", "yaml").out
    assert yaml.safe_load(listed) == everything
    gone = owner.run("integrations", "delete", "crossed", "-o", "json")
    assert gone.json == {"liveLeases": 0}


def test_a_list_that_is_cut_says_where_it_goes_on(owner: Commands) -> None:
    for number in range(3):
        owner.run("projects", "create", f"cut {number}")
    cut = owner.run("audit", "list", "--limit", "2", "--json")
    assert len(cut.json["items"]) == 2
    rest = owner.run("audit", "list", "--limit", "1", "--cursor", cut.json["next"], "--json")
    assert rest.json["items"][0]["sequence"] == cut.json["items"][1]["sequence"] + 1
    assert "--cursor" in owner.run("audit", "list", "--limit", "2").said


def test_grants_and_groups_live_from_create_to_delete(owner: Commands) -> None:
    assert owner.run("groups", "create", "labellers").code == 0
    assert owner.run("groups", "add", "labellers", ANNOTATOR).code == 0
    assert ANNOTATOR in owner.run("groups", "members", "labellers").out
    words = ["--group", "labellers", "--prefix", "cats/", "--access", "read", "--ends", "30d"]
    made = owner.run("grants", "create", LOCATION, *words, "--max-ttl", "1h", "--json")
    assert made.code == 0, made.said
    assert (made.json["grantee"]["name"], made.json["maxTtlSeconds"]) == ("labellers", 3600)
    shown = owner.run("grants", "show", LOCATION, made.json["id"], "--json").json
    assert shown["id"] == made.json["id"]
    assert "labellers" in owner.run("grants", "list", LOCATION).out
    assert owner.run("grants", "delete", LOCATION, made.json["id"], "--yes").code == 0
    renamed = owner.run("groups", "update", "labellers", "--new-name", "others", "--json")
    assert renamed.json["name"] == "others"
    assert owner.run("groups", "remove", "others", ANNOTATOR).code == 0
    assert owner.run("groups", "list", "-o", "name").out == "others\n"
    assert owner.run("groups", "delete", "others").code == 0
    assert owner.run("groups", "show", "others").code == 5


def test_a_service_account_gets_a_token_and_vends(owner: Commands, tmp_path: Path) -> None:
    owner.run("projects", "create", "jobs")
    place = ["--project", "default"]
    words = ["service-accounts", "create", "training", "--role", "developer", *place]
    made = owner.run(*words, "--json")
    assert made.code == 0, made.said
    file = tmp_path / "token"
    words = ["--service-account", "training", *place, "--for", "1h", "--file", str(file)]
    assert owner.run("tokens", "create", "job", *words).code == 0
    assert "job" in owner.run("tokens", "list", "--service-account", "training", *place).out
    vended = owner.run("credentials", LOCATION, "--token-file", str(file), "--json")
    assert vended.code == 0, vended.said
    lease = owner.run("leases", "show", vended.json["leaseId"], "--json").json
    assert lease["holder"]["email"] == made.json["email"]
    assert owner.run("service-accounts", "delete", "training", *place, "--yes").code == 0
    assert owner.run("credentials", LOCATION, "--token-file", str(file)).code == 3


def test_a_member_gets_a_link_that_sets_a_password(
    owner: Commands, valetkey_server: Installation
) -> None:
    words = ["members", "add", "late@example.com", "--role", "member", "--by-link"]
    assert owner.run(*words).code == 0
    link = owner.run("members", "link", "late@example.com")
    assert link.out.startswith(f"{valetkey_server.url}/console/password?link=")
    file = owner.home / "new"
    file.write_text("a password by link")
    words = ["password", "--link-file", "-", "--new-file", str(file)]
    assert owner.run(*words, stdin=link.out).code == 0
    login = ["login", "--email", "late@example.com", "--password-file", str(file)]
    assert owner.run(*login).code == 0
    changed = owner.run("members", "update", "late@example.com", "--role", "owner", "--json")
    assert changed.json["role"] == "owner"
    assert owner.run("members", "show", "late@example.com", "--json").json == changed.json
    assert owner.run("members", "remove", "late@example.com", "--yes").code == 0


def test_urls_are_presigned_one_a_line(developer: Commands) -> None:
    ran = developer.run("presign", LOCATION, "train/a.txt", "train/cats/1.txt", "--expires", "15m")
    assert ran.code == 0, ran.said
    bodies = [httpx2.get(url, timeout=90, trust_env=False).content for url in ran.out.split()]
    assert bodies == [b"a", b"cat one"]


def test_what_is_blocked_is_vended_nothing_until_it_is_unblocked(owner: Commands) -> None:
    words = ["--principal", DEVELOPER, "--reason", "left the laptop", "--refuse-new"]
    revoked = owner.run("leases", "revoke", *words, "--json")
    assert revoked.json["blocked"], revoked.said
    assert DEVELOPER in owner.run("blocks", "list").out
    shown = owner.run("blocks", "show", "principal", DEVELOPER, "--json").json
    assert shown["reason"] == "left the laptop"
    assert owner.run("blocks", "delete", "principal", DEVELOPER).code == 0
    assert owner.run("blocks", "list", "--json").json == {"items": [], "next": None}


def test_the_entries_of_a_dataset_are_listed_shown_and_described(developer: Commands) -> None:
    assert developer.run("datasets", "create", "seen", "--location", LOCATION).code == 0
    synced = developer.run("datasets", "sync", "seen", "--json")
    words = ["--glob", "/cats/**", "--kind", "file"]
    ran = developer.run("objects", "list", "seen", *words, "--json")
    assert ran.code == 0, ran.said
    found = ran.json["items"]
    assert [each["path"] for each in found] == ["cats/1.txt", "cats/2.txt"]
    changed = developer.run("objects", "update", found[0]["id"], "--description", "a cat", "--json")
    assert changed.json["description"] == "a cat"
    shown = developer.run("objects", "show", found[0]["id"], "--json")
    assert shown.json["description"] == "a cat"
    shown = developer.run("operations", "show", synced.json["id"], "--json")
    assert shown.json["state"] == "succeeded"
    assert "succeeded" in developer.run("datasets", "syncs", "seen").out
    assert developer.run("datasets", "update", "seen", "--new-name", "renamed").code == 0
    assert developer.run("datasets", "delete", "renamed", "--yes").code == 0
