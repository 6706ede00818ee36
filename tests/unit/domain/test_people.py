"""E-mail addresses and passwords."""

import pytest

from valetkey.domain.errors import InvalidInput
from valetkey.domain.people import MIN_PASSWORD, check_password, parse_email


@pytest.mark.parametrize(
    ("given", "kept"),
    [(" Ada@Example.COM ", "ada@example.com"), ("bot+ci@localhost", "bot+ci@localhost")],
)
def test_an_address_is_kept_in_lower_case(given: str, kept: str) -> None:
    assert parse_email(given) == kept


@pytest.mark.parametrize(
    "given",
    ["", "ada", "@x", "a@", "a b@x.y", "a@x..y", "a@x.y\nBcc: z@x.y", "ä@x.y", "a@" + "x" * 255],
)
def test_what_is_not_an_address_is_refused(given: str) -> None:
    with pytest.raises(InvalidInput):
        parse_email(given)


@pytest.mark.parametrize("length", [MIN_PASSWORD, 1024])
def test_a_long_enough_password_is_taken(length: int) -> None:
    assert check_password("x" * length)


@pytest.mark.parametrize("length", [0, MIN_PASSWORD - 1, 1025])
def test_a_password_of_another_length_is_refused_without_repeating_it(length: int) -> None:
    with pytest.raises(InvalidInput) as caught:
        check_password("§" * length)
    assert "§" not in str(caught.value)
