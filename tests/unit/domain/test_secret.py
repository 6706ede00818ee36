"""A secret does not print itself, whatever one does with it."""

import copy
import logging
import pickle
import traceback

import pytest

from valetkey.domain.secret import MASK, Secret

VALUE = "wJalrXUtnFEMI-the-secret"


@pytest.mark.parametrize("show", [repr, str, "{}".format, "{:>40}".format, "{!r}".format, ascii])
def test_no_way_of_printing_shows_it(show: object) -> None:
    assert callable(show)
    shown = show(Secret(VALUE))
    assert VALUE not in shown
    assert MASK in shown


def test_containers_and_log_records_show_the_mask(caplog: pytest.LogCaptureFixture) -> None:
    secret = Secret(VALUE)
    assert VALUE not in repr({"key": [secret]})
    logging.getLogger("test").warning("have %s and %r", secret, secret)
    assert VALUE not in caplog.text


def test_a_traceback_with_locals_shows_the_mask() -> None:
    secret = Secret(VALUE)

    def fail(held: Secret) -> None:
        raise ValueError(held)

    with pytest.raises(ValueError, match=r"\*") as caught:
        fail(secret)
    report = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    assert VALUE not in "".join(report.format())
    assert secret.reveal() == VALUE


def test_it_is_neither_pickled_nor_hashed() -> None:
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(Secret(VALUE))
    with pytest.raises(TypeError, match="not pickled"):
        copy.copy(Secret(VALUE))
    with pytest.raises(TypeError, match="unhashable"):
        hash(Secret(VALUE))


def test_it_has_no_attribute_dictionary_to_dump() -> None:
    with pytest.raises(TypeError):
        vars(Secret(VALUE))


def test_equality_is_by_value_and_only_among_secrets() -> None:
    assert Secret(VALUE) == Secret(VALUE)
    assert Secret(VALUE) != Secret(VALUE + "x")
    assert Secret(VALUE) != VALUE


def test_emptiness_and_length_can_be_asked() -> None:
    assert not Secret("")
    assert Secret(VALUE)
    assert len(Secret(VALUE)) == len(VALUE)
