"""Shapes and entities go by their fields' names, and what does not fit is found at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Literal

import msgspec
import pytest

from valetkey.api.mapping import InputMapper, ShapeMapper
from valetkey.domain.changes import UNSET, Unset, given


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True, slots=True)
class Wheel:
    count: int


@dataclass(frozen=True, slots=True)
class Car:
    name: str
    colour: Colour
    colours: frozenset[Colour]
    seats: tuple[str, ...]
    facts: Mapping[str, str]
    warranty: timedelta
    wheel: Wheel
    owner: str = ""
    plate: str | None = None

    @property
    def is_new(self) -> bool:
        return self.warranty > timedelta(0)


class CarShape(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    colour: Literal["red", "blue", "green"]
    colours: list[Literal["red", "blue"]]
    seats: list[str]
    facts: dict[str, str]
    warranty_seconds: int
    wheels: int
    is_new: bool
    price: int
    owner: str | None = None
    plate: str | None = None


CAR = Car(
    "beetle",
    Colour.BLUE,
    frozenset({Colour.BLUE, Colour.RED}),
    ("front", "back"),
    {"made": "1966"},
    timedelta(minutes=1),
    Wheel(4),
)
SHAPING = ShapeMapper(
    CarShape,
    Car,
    named={"warranty_seconds": "warranty", "wheels": "wheel.count"},
    added=("price",),
)


def test_a_shape_has_the_entity_s_attributes_by_name_and_what_is_added() -> None:
    assert SHAPING(CAR, price=7) == CarShape(
        name="beetle",
        colour="blue",
        colours=["red", "blue"],
        seats=["front", "back"],
        facts={"made": "1966"},
        warranty_seconds=60,
        wheels=4,
        is_new=True,
        price=7,
        owner=None,
        plate=None,
    )


class Named(msgspec.Struct, frozen=True):
    name: str


class Wrong(msgspec.Struct, frozen=True):
    name: int


class Narrow(msgspec.Struct, frozen=True):
    colour: Literal["red"]


class Strict(msgspec.Struct, frozen=True):
    plate: str


def test_one_property_is_enough() -> None:
    assert ShapeMapper(Named, Car)(CAR) == Named("beetle")


@pytest.mark.parametrize("shape", [CarShape, Wrong, Narrow, Strict])
def test_a_property_that_nothing_fits_is_found_when_the_module_is_imported(
    shape: type[msgspec.Struct],
) -> None:
    """Something is missing; another type; a value that the shape does not know; nothing at all."""
    with pytest.raises(TypeError, match=r"has no|does not fit"):
        ShapeMapper(shape, Car, named={})


def test_a_name_that_the_shape_does_not_have_is_refused() -> None:
    with pytest.raises(TypeError, match="has no property: seat"):
        ShapeMapper(Named, Car, named={"seat": "seats"})


@dataclass(frozen=True, slots=True)
class NewCar:
    name: str
    colour: Colour = Colour.RED
    owner: str = ""
    seats: frozenset[str] = frozenset()


class NewCarBody(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    garage: str = ""
    colour: Literal["red", "blue"] | None = None
    owner: str | None = None
    chairs: list[str] = msgspec.field(default_factory=list)


NEW = InputMapper(
    NewCar, NewCarBody, named={"chairs": "seats"}, by={"chairs": frozenset}, beside=("garage",)
)


def test_what_a_body_leaves_out_is_the_default() -> None:
    assert NEW(NewCarBody(name="beetle")) == NewCar("beetle")
    full = NewCarBody(name="beetle", colour="blue", owner="ada", chairs=["front"])
    assert NEW(full) == NewCar("beetle", Colour.BLUE, "ada", frozenset({"front"}))


@dataclass(frozen=True, slots=True)
class CarChange:
    owner: str | Unset = UNSET
    plate: str | Unset | None = UNSET
    repaints: bool = False


class CarChangeBody(msgspec.Struct, frozen=True, kw_only=True):
    owner: str | msgspec.UnsetType | None = msgspec.UNSET
    plate: str | msgspec.UnsetType | None = msgspec.UNSET
    repaints: bool | msgspec.UnsetType = msgspec.UNSET


def test_null_takes_away_and_what_a_change_leaves_out_stays() -> None:
    change = InputMapper(CarChange, CarChangeBody)
    assert change(CarChangeBody()) == CarChange()
    taken = change(CarChangeBody(owner=None, plate=None, repaints=False))
    assert taken == CarChange(owner="", plate=None)
    assert given(taken) == {"owner": "", "plate": None, "repaints": False}


@dataclass(frozen=True, slots=True)
class Demanding:
    name: str
    wheels: int
    notes: list[str] = field(default_factory=list)


def test_a_property_that_nobody_reads_or_that_is_wanted_in_vain_is_refused() -> None:
    with pytest.raises(TypeError, match="has no field: garage"):
        InputMapper(NewCar, NewCarBody, named={"chairs": "seats"}, by={"chairs": frozenset})
    with pytest.raises(TypeError, match="does not give: wheels"):
        InputMapper(Demanding, Named)
    with pytest.raises(TypeError, match="does not fit"):
        InputMapper(NewCar, Wrong)
