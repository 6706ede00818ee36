"""The README's commands, from an installation to a credential, run as they stand, in order.

``make demo`` is run by tests/e2e/test_demo.py, and ``make test`` runs this.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import Final

from support.aws import REGION
from support.commands import ROOT, clean_environment
from support.guides import run_guide
from support.setup_aws import environment
from valetkey.embedded import EmbeddedAws

_BLOCK: Final = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SERVED: Final = r"""> served.json 2> server.log &
> for i in $(seq 600); do grep -qs '^}' served.json && break; sleep 0.1; done
> export VALETKEY_URL=$(python -c 'import json; print(json.load(open("served.json"))["url"])')"""
#: What a reader types or does beside a command: nobody is at a terminal here, another server may
#: have the port, and what comes next needs the shell.
BESIDE: Final = {
    "valetkey init --email you@example.com": "--password-file password",
    "valetkey login --email you@example.com": "--password-file password",
    "valetkey serve": f"--port 0 --json {_SERVED}",
}
RUN_ELSEWHERE: Final = {"make demo", "make test"}
TRAIN: Final = """
import boto3
found = boto3.client("s3").list_objects_v2(Bucket="my-data", Prefix="train/")
print("trained on", found["KeyCount"], "objects")
"""


def commands() -> list[str]:
    """Return the README's commands in order."""
    blocks = _BLOCK.findall((ROOT / "README.md").read_text(encoding="utf-8"))
    lines = [line for block in blocks for line in block.splitlines()]
    assert all(line.startswith("$ ") for line in lines)
    return [line.removeprefix("$ ") for line in lines]


def test_the_commands_of_the_readme_run(embedded_aws: EmbeddedAws, tmp_path: Path) -> None:
    shown = [line for line in commands() if line not in RUN_ELSEWHERE]
    assert BESIDE.keys() <= set(shown)
    steps = [f"$ {line} {BESIDE.get(line, '')}".rstrip() for line in shown]
    text = "\n".join([*steps, "trained on 0 objects", "$ kill %1", ""])
    (tmp_path / "readme.md").write_text(f"# As it is run\n```console\n{text}```\n")
    (tmp_path / "password").write_text("correct horse battery staple\n")
    (tmp_path / "train.py").write_text(TRAIN)
    command = tmp_path / "bin" / "valetkey"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m valetkey.cli "$@"\n')
    command.chmod(0o755)
    folders = (str(command.parent), str(Path(sys.executable).parent), os.environ["PATH"])
    endpoint = embedded_aws.endpoint
    own = {
        "PATH": os.pathsep.join(folders),
        "PIP_NO_INDEX": "1",  # it is installed, and the extra has all that it needs
        "COLUMNS": "200",
        "VALETKEY_DATA_DIR": str(tmp_path / "data"),
        "VALETKEY_STS_ENDPOINT": endpoint,
        "VALETKEY_IAM_ENDPOINT": endpoint,
        "VALETKEY_S3_ENDPOINT": endpoint,
        "VALETKEY_AWS_REGION": REGION,
        "VALETKEY_ALLOWED_ENDPOINT_HOSTS": "127.0.0.1",
    }
    aws = environment(endpoint, embedded_aws.administrator)
    problems = run_guide(
        tmp_path / "readme.md", clean_environment(tmp_path, **own, **aws), tmp_path
    )
    assert list(problems) == []
