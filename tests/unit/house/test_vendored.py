"""What others wrote and we keep a copy of stays as they published it."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from support.commands import ROOT

STATIC = ROOT / "src" / "valetkey" / "console" / "static"
#: The version, and the SHA-256 of the file in the package ``htmx.org`` of npm.
COPIES = [
    (
        STATIC / "htmx.min.js",
        b'version:"2.0.11"',
        "d6fdc75f204e6bdefa99b69bf1e6d4ac69b8a364f77929f45c13476b4000f717",
    )
]


@pytest.mark.parametrize(
    ("copy", "version", "digest"), COPIES, ids=lambda it: getattr(it, "name", "")
)
def test_a_copy_is_as_published(copy: Path, version: bytes, digest: str) -> None:
    content = copy.read_bytes()
    assert version in content
    assert hashlib.sha256(content).hexdigest() == digest
