"""What a command prints, as whoever reads it by a pipe sees it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from support.commands import clean_environment
from valetkey.cli import show
from valetkey.sdk.errors import ApiError


@pytest.mark.parametrize(
    "said", ["show.write_json({'a': 1})", "show.write('a')", "show.facts([('a', '1')])"]
)
def test_a_result_is_with_the_reader_before_the_command_goes_on(said: str, tmp_path: Path) -> None:
    script = f"import os\nfrom valetkey.cli import show\n{said}\nos._exit(0)  # no flush at the end"
    ran = subprocess.run(  # noqa: S603  # our own words
        [sys.executable, "-c", script],
        env=clean_environment(tmp_path),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert "a" in ran.stdout


def test_what_failed_of_many_is_named_up_to_ten_and_the_rest_counted(
    capsys: pytest.CaptureFixture[str],
) -> None:
    failures = [
        {"filename": f"/{n}\n.jpg", "message": "Denied.", "code": "aws_refused"} for n in range(100)
    ]
    details = {"done": 7, "failed": 2500, "failures": failures}
    show.error(ApiError("2,500 of 2,507 items could not be deleted.", details=details))
    told = capsys.readouterr().err
    assert told.count("Denied.") == 10
    assert "/9\\n.jpg: Denied. (aws_refused)" in told
    assert "and 2,490 more; --json names up to 100." in told
