from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.setup_aws import Bench, bench, environment
from valetkey.embedded import EmbeddedAws


@pytest.fixture
def aws(embedded_aws: EmbeddedAws, monkeypatch: pytest.MonkeyPatch) -> EmbeddedAws:
    """An empty account, and an environment that leads to it."""
    for name, value in environment(embedded_aws.endpoint, embedded_aws.administrator).items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    return embedded_aws


@pytest.fixture
def here(aws: EmbeddedAws, tmp_path: Path) -> Iterator[Bench]:
    """The administrator's machine."""
    with bench(aws, tmp_path / "here") as made:
        yield made


@pytest.fixture
def elsewhere(aws: EmbeddedAws, tmp_path: Path) -> Iterator[Bench]:
    """Another administrator's machine: another journal, another secret file."""
    with bench(aws, tmp_path / "elsewhere") as made:
        yield made
