"""A type of integration is a module and a line in the registry; nothing else names one."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import valetkey
from valetkey.domain.integration_types import IntegrationType
from valetkey.wire.integrations import IntegrationType as Described

SOURCE = Path(valetkey.__file__).parent
#: Who registers one by its oldest type, and what names types in prose of its own.
ALLOWED = {"domain/integration_types", "services/integrations.py", "console/integrations.py"}


def test_nothing_decides_by_a_type_s_name() -> None:
    naming = {
        path.relative_to(SOURCE).as_posix()
        for path in SOURCE.rglob("*.py")
        if re.search(r"IntegrationType\.[A-Z]", path.read_text())
    }
    assert {name for name in naming if not name.startswith(tuple(ALLOWED))} == set()


def test_the_api_describes_every_type() -> None:
    assert set(get_args(Described)) == {kind.value for kind in IntegrationType}


def test_every_type_says_how_it_opens_a_store() -> None:
    for kind in IntegrationType:
        assert not (kind.rules.opens_by_role and kind.rules.opens_by_key)
        assert kind.rules.label
