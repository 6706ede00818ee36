"""What is to be called back: each kind is named by a field of its own."""

from __future__ import annotations

import msgspec
import pytest

from valetkey.api.wire.leases import RevokeIn
from valetkey.domain.errors import InvalidInput
from valetkey.domain.revocation import Kind

FIELDS = {
    "lease": Kind.LEASE,
    "principal": Kind.PRINCIPAL,
    "driver": Kind.LOCATION,
    "integration": Kind.INTEGRATION,
    "token": Kind.TOKEN,
    "serviceAccount": Kind.SERVICE_ACCOUNT,
}


def asked(**fields: str) -> RevokeIn:
    return msgspec.convert({"reason": "lost", **fields}, RevokeIn)


def test_every_kind_has_a_field() -> None:
    assert set(FIELDS.values()) == set(Kind)


@pytest.mark.parametrize("field", FIELDS)
def test_a_field_names_what_is_meant(field: str) -> None:
    assert asked(**{field: "x"}).one() == (FIELDS[field], "x")


@pytest.mark.parametrize("fields", [{}, {"lease": "x", "driver": "y"}])
def test_one_thing_is_to_be_named(fields: dict[str, str]) -> None:
    with pytest.raises(InvalidInput):
        asked(**fields).one()
