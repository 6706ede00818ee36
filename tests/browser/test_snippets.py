"""Each snippet of the credentials page does what it says, pasted as it is shown."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import duckdb
import polars as pl
import pytest
from playwright.sync_api import expect

from support.aws import client
from support.browser import chromium, sign_in, watched_page
from support.real_api import PASSWORD
from support.server import DEVELOPER, FOLDER, LOCATION, OWNER, Installation

BIN: Final = Path(sys.executable).parent
LISTED: Final = "train/a.txt"
PLAIN: Final = "without an endpoint of its own"
#: A location that names its endpoint, and one that relies on the server's.
LOCATIONS: Final = (LOCATION, PLAIN)


@pytest.fixture(scope="module")
def snippets(valetkey_server: Installation) -> dict[str, dict[str, str]]:
    """What the page shows for each location, by the tool's name."""
    server = valetkey_server
    with server.client(OWNER) as owner:
        server.make_location(owner, PLAIN, folder=FOLDER, endpoint=None)
    shown: dict[str, dict[str, str]] = {}
    with chromium() as browser, watched_page(browser, server.url) as page:
        sign_in(page, DEVELOPER)
        for location in LOCATIONS:
            page.goto("/console/credentials")
            option = page.locator("select[name=location] option", has_text=location)
            page.locator("select[name=location]").select_option(option.get_attribute("value"))
            page.get_by_role("button", name="Get credentials").click()
            expect(page.locator("#text-env")).to_be_visible()
            texts = page.locator("pre[id^=text-]").all()
            shown[location] = {
                (text.get_attribute("id") or "")[5:]: text.text_content() or "" for text in texts
            }
    return shown


@pytest.fixture
def surroundings(tmp_path: Path) -> dict[str, str]:
    """A home without any credentials or settings of AWS."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return kept | {
        "HOME": str(tmp_path),
        "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def run(command: list[str], surroundings: Mapping[str, str]) -> str:
    done = subprocess.run(  # noqa: S603  # running what the page shows is the test
        command, env=dict(surroundings), capture_output=True, text=True, timeout=90, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def python(text: str, surroundings: Mapping[str, str]) -> str:
    return run([sys.executable, "-c", text], surroundings)


def listing(server: Installation) -> str:
    return (
        "import boto3\n"
        f"found = SESSION.client('s3').list_objects_v2("
        f"Bucket={server.setup.bucket!r}, Prefix={FOLDER!r})\n"
        "print([one['Key'] for one in found['Contents']])"
    )


@pytest.mark.parametrize("location", LOCATIONS)
def test_the_environment_is_enough_for_boto3(
    valetkey_server: Installation,
    snippets: dict[str, dict[str, str]],
    surroundings: dict[str, str],
    location: str,
) -> None:
    program = listing(valetkey_server).replace("SESSION", "boto3.Session()")
    script = f'{snippets[location]["env"]}\nexec "$0" -c "$1"'
    assert LISTED in run(["/bin/sh", "-c", script, sys.executable, program], surroundings)


@pytest.mark.parametrize("location", LOCATIONS)
def test_the_profile_gets_its_credentials_from_valetkey(
    valetkey_server: Installation,
    snippets: dict[str, dict[str, str]],
    surroundings: dict[str, str],
    tmp_path: Path,
    location: str,
) -> None:
    (tmp_path / "config").write_text(snippets[location]["profile"])
    surroundings |= {
        "AWS_CONFIG_FILE": str(tmp_path / "config"),
        "VALETKEY_URL": valetkey_server.url,
        "VALETKEY_TOKEN": valetkey_server.token(DEVELOPER),
    }
    program = listing(valetkey_server).replace("SESSION", "boto3.Session(profile_name='valetkey')")
    assert LISTED in python(program, surroundings)


@pytest.mark.parametrize("location", LOCATIONS)
@pytest.mark.parametrize(
    ("tool", "call", "shows"),
    [
        ("boto3", "s3.list_objects_v2(", "print(s3.list_objects_v2("),
        ("s3fs", "files.ls(", "print(files.ls("),
    ],
)
def test_a_program_lists_the_folder(
    snippets: dict[str, dict[str, str]],
    surroundings: dict[str, str],
    location: str,
    tool: str,
    call: str,
    shows: str,
) -> None:
    text = snippets[location][tool]
    line = next(line for line in text.splitlines() if line.startswith(call))
    program = text.replace(line, line.replace(call, shows) + ")")
    assert LISTED in python(program, surroundings)


@pytest.mark.parametrize("location", LOCATIONS)
def test_polars_reads_a_table(
    valetkey_server: Installation,
    snippets: dict[str, dict[str, str]],
    surroundings: dict[str, str],
    tmp_path: Path,
    location: str,
) -> None:
    pl.DataFrame({"legs": [4, 2]}).write_parquet(tmp_path / "t")
    s3 = client(valetkey_server.aws, "s3")
    s3.put_object(
        Bucket=valetkey_server.setup.bucket,
        Key=f"{FOLDER}legs.parquet",
        Body=(tmp_path / "t").read_bytes(),
    )
    program = snippets[location]["polars"] + "\nprint(table.sum().collect().item())"
    assert python(program, surroundings).split() == ["6"]


def with_login(server: Installation, surroundings: dict[str, str]) -> dict[str, str]:
    """Surroundings in which somebody has logged in."""
    return surroundings | {
        "VALETKEY_URL": server.url,
        "VALETKEY_TOKEN": server.token(DEVELOPER),
    }


@pytest.mark.parametrize("location", LOCATIONS)
def test_the_command_line_is_enough_for_boto3(
    valetkey_server: Installation,
    snippets: dict[str, dict[str, str]],
    surroundings: dict[str, str],
    location: str,
) -> None:
    program = listing(valetkey_server).replace("SESSION", "boto3.Session()")
    script = f'{snippets[location]["cli"]}\nexec "$0" -c "$1"'
    command = ["/bin/sh", "-c", script, sys.executable, program]
    assert LISTED in run(command, with_login(valetkey_server, surroundings))


@pytest.mark.parametrize("location", LOCATIONS)
def test_the_library_lists_the_folder(
    valetkey_server: Installation,
    snippets: dict[str, dict[str, str]],
    surroundings: dict[str, str],
    location: str,
) -> None:
    text = snippets[location]["python"]
    program = text.replace("s3.list_objects_v2(", "print(s3.list_objects_v2(") + ")"
    assert LISTED in python(program, with_login(valetkey_server, surroundings))


def renewing(text: str) -> str:
    """A program with the lines that it shows as comments in place of what they replace."""
    first, _, rest = text.partition("# Or, renewing itself")
    lines = [line.removeprefix("# ") for line in rest.splitlines()[1:]]
    return "\n".join([first.splitlines()[0], *lines])


@pytest.mark.parametrize("location", LOCATIONS)
@pytest.mark.parametrize(
    ("tool", "what", "shows"),
    [
        ("boto3", "s3 = ", "print(s3.list_objects_v2(Bucket=BUCKET, Prefix='train/'))"),
        ("s3fs", "files = ", "print(files.ls(BUCKET + '/train/'))"),
    ],
)
def test_what_renews_itself_lists_the_folder(
    valetkey_server: Installation,
    snippets: dict[str, dict[str, str]],
    surroundings: dict[str, str],
    location: str,
    tool: str,
    what: str,
    shows: str,
) -> None:
    lines = renewing(snippets[location][tool])
    assert what in lines
    program = f"{lines}\n{shows.replace('BUCKET', repr(valetkey_server.setup.bucket))}"
    assert LISTED in python(program, with_login(valetkey_server, surroundings))


@pytest.mark.parametrize("location", LOCATIONS)
def test_what_renews_itself_reads_a_table(
    valetkey_server: Installation,
    snippets: dict[str, dict[str, str]],
    surroundings: dict[str, str],
    location: str,
) -> None:
    body = io.BytesIO()
    pl.DataFrame({"legs": [4, 2]}).write_parquet(body)
    client(valetkey_server.aws, "s3").put_object(
        Bucket=valetkey_server.setup.bucket, Key=f"{FOLDER}legs.parquet", Body=body.getvalue()
    )
    program = renewing(snippets[location]["polars"]) + "\nprint(table.sum().collect().item())"
    assert python(program, with_login(valetkey_server, surroundings)).split() == ["6"]


@pytest.mark.parametrize("location", LOCATIONS)
def test_duckdb_takes_the_secret(snippets: dict[str, dict[str, str]], location: str) -> None:
    text = snippets[location]["duckdb"]
    assert len(duckdb.extract_statements(text)) == 1  # its grammar is DuckDB's
    with duckdb.connect() as connection:
        try:
            connection.install_extension("httpfs")
            connection.load_extension("httpfs")
        except duckdb.Error:
            pytest.skip("DuckDB's httpfs can't be had here: the statement was parsed, and not run.")
        connection.execute(text)
        held = connection.sql("SELECT name, scope FROM duckdb_secrets()").fetchall()
    assert held[0][0] == "valetkey"


@pytest.mark.parametrize("location", LOCATIONS)
def test_dtlpy_signs_in_to_this_server(
    snippets: dict[str, dict[str, str]],
    surroundings: dict[str, str],
    location: str,
) -> None:
    text = snippets[location]["dtlpy"].replace("you@example.com", DEVELOPER)
    text = text.replace('password="..."', f"password={PASSWORD!r}")
    program = text + "\nprint([project.name for project in dl.projects.list()])"
    assert "default" in python(program, surroundings)
