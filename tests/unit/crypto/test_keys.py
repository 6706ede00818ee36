"""Key files that only their owner reads, and nothing else, are taken."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from valetkey.crypto.keys import (
    LocalKeyWrapper,
    create_key_file,
    new_key,
    read_key_file,
    read_key_variable,
)
from valetkey.domain.errors import ConfigurationError
from valetkey.domain.secret import Secret
from valetkey.testing import SeededEntropy


def test_a_made_key_file_is_private_and_reads_back(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "key"
    create_key_file(path, SeededEntropy(1))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert read_key_file(path).reveal() == new_key(SeededEntropy(1)).reveal()


def test_an_existing_key_file_is_never_written_over(tmp_path: Path) -> None:
    path = tmp_path / "key"
    create_key_file(path, SeededEntropy(1))
    with pytest.raises(ConfigurationError):
        create_key_file(path, SeededEntropy(2))
    assert read_key_file(path).reveal() == new_key(SeededEntropy(1)).reveal()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o601])
def test_a_key_file_open_to_others_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "key"
    create_key_file(path, SeededEntropy())
    path.chmod(mode)
    with pytest.raises(ConfigurationError, match="others"):
        read_key_file(path)


def test_a_link_to_a_key_file_is_refused(tmp_path: Path) -> None:
    create_key_file(tmp_path / "key", SeededEntropy())
    (tmp_path / "link").symlink_to(tmp_path / "key")
    with pytest.raises(ConfigurationError):
        read_key_file(tmp_path / "link")


def test_a_missing_key_says_what_is_lost(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no stored secret opens"):
        read_key_file(tmp_path / "key")
    with pytest.raises(ConfigurationError, match="VALETKEY_KEY"):
        read_key_variable("VALETKEY_KEY", {})


@pytest.mark.parametrize("text", ["", "short", "A" * 43, "A" * 44 + "====", "é" * 44])
def test_a_key_that_is_not_32_bytes_of_base64_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match="32 bytes") as refused:
        LocalKeyWrapper(Secret(text), SeededEntropy())
    assert not text or text not in str(refused.value)
