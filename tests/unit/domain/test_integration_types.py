"""A type of integration is a module of its own and a line in the API; nothing else names one."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import valetkey
from valetkey.domain.integration_types import IntegrationType
from valetkey.wire.integrations import IntegrationType as Described

SOURCE = Path(valetkey.__file__).parent
_QUOTED = [rf"""["']{kind.value}["']""" for kind in IntegrationType if kind != "s3"]
NAMES = re.compile("|".join(_QUOTED))
#: A type's own module, and the API's list of them; and what is taken for meant where a person, or
#: Dataloop's SDK, leaves it out.
ALLOWED = {
    "domain/integration_types/aws_cross.py",
    "domain/integration_types/aws_sts.py",
    "domain/integration_types/key_value.py",
    "wire/integrations.py",
    "wire/locations.py",
    "cli/integrations.py",
    "catalog/dataloop/wire/integrations.py",
    "sdk/resources/integrations.py",
}


def test_nothing_decides_by_a_type_s_name() -> None:
    naming = {
        path.relative_to(SOURCE).as_posix()
        for path in SOURCE.rglob("*.*")
        if path.suffix in {".py", ".html"} and NAMES.search(path.read_text())
    }
    assert naming == ALLOWED


def test_the_api_describes_every_type() -> None:
    assert set(get_args(Described)) == {kind.value for kind in IntegrationType}


def test_every_type_says_how_it_opens_a_store() -> None:
    for kind in IntegrationType:
        assert not (kind.rules.opens_by_role and kind.rules.opens_by_key)
        assert kind.rules.label
