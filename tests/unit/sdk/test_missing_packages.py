from __future__ import annotations

import sys
from collections.abc import Callable
from importlib.metadata import metadata
from typing import Any

import pytest

from valetkey.sdk import Credentials, Refresher
from valetkey.sdk.adapters import aws, rust
from valetkey.sdk.errors import MissingPackage
from valetkey.sdk.source import Source


def never_asked() -> Credentials:
    pytest.fail("no credential is fetched for a library that is not there")


@pytest.mark.parametrize(
    ("package", "adapt"),
    [
        ("boto3", aws.boto3_session),
        ("s3fs", aws.s3_file_system),
        ("obstore", rust.s3_store),
        ("pyarrow", aws.arrow_file_system),
        ("polars", rust.polars_options),
        ("duckdb", lambda source: aws.teach_duckdb(None, source)),  # type: ignore[arg-type]
    ],
)
def test_an_adapter_whose_library_is_absent_says_which_extra_to_install(
    monkeypatch: pytest.MonkeyPatch, package: str, adapt: Callable[[Source], Any]
) -> None:
    for loaded in [package, *(name for name in sys.modules if name.startswith(f"{package}."))]:
        monkeypatch.setitem(sys.modules, loaded, None)
    source = Source("b", "", "", Refresher(never_asked))

    with pytest.raises(MissingPackage) as refused:
        adapt(source)

    assert str(refused.value).startswith(f"The package {package} is not installed.")
    assert refused.value.hint == f"Install it: pip install 'valetkey[{package}]'."
    assert package in (metadata("valetkey").get_all("Provides-Extra") or [])
