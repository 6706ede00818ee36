"""Whether this tree can be released as a version: the numbers agree, the changelog says what is
new, and what is built installs alone and answers."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import tomllib
import venv
from pathlib import Path

ROOT = Path(__file__).parent.parent


def main(version: str) -> int:
    """Build and try a release; return the exit status."""
    problems = [*_numbers(version), *_tree()]
    if not problems:
        problems = _build(version)
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


def _numbers(version: str) -> list[str]:
    if not re.fullmatch(r"\d+\.\d+\.\d+((a|b|rc)\d+)?", version):
        return [f"{version!r} is no version: say make release VERSION=1.2.3"]
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    problems = [] if declared == version else [f"pyproject.toml says {declared}."]
    if f"## {version}" not in (ROOT / "CHANGELOG.md").read_text():
        problems.append(f"CHANGELOG.md has no section '## {version}'.")
    return problems


def _tree() -> list[str]:
    changed = subprocess.run(
        ["git", "status", "--porcelain"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    return ["There are changes that are not committed."] if changed else []


def _build(version: str) -> list[str]:
    """Build both distributions, and run the wheel's command in an environment of its own."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-m", "hatchling", "build"], cwd=ROOT, check=True)
        [wheel] = (ROOT / "dist").glob(f"valetkey-{version}-*.whl")
        venv.create(folder, with_pip=True)
        python = Path(folder) / "bin" / "python"
        subprocess.run([python, "-m", "pip", "install", "--quiet", wheel], check=True)
        said = subprocess.run(
            [Path(folder) / "bin" / "valetkey", "--version"],
            check=True,
            capture_output=True,
            text=True,
        ).stdout
    return [] if version in said else [f"The built command says it is {said.strip()}."]


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2] or [""]))
