"""Settings: from a file, then the environment; whatever can't be right is refused by name."""

from __future__ import annotations

from dataclasses import Field, fields, replace
from pathlib import Path
from typing import Any

import pytest

from valetkey.config import PREFIX, Settings, load_settings, settings_page
from valetkey.domain.errors import ConfigurationError


def test_without_anything_the_defaults_hold() -> None:
    found = load_settings({})
    assert (found.host, found.port, found.migrate_on_start) == ("127.0.0.1", 8484, False)
    assert found.database.startswith("sqlite:///")
    assert found.key_place.startswith("file:")


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text('port = 1\nhost = "0.0.0.0"\nallowed_endpoint_hosts = ["a", "b"]\n')
    found = load_settings({"VALETKEY_PORT": "2"}, file)
    assert (found.port, found.host) == (2, "0.0.0.0")  # noqa: S104  # a text here
    assert found.allowed_endpoint_hosts == ("a", "b")
    assert load_settings({"VALETKEY_CONFIG": str(file)}).port == 1


PARSED = [
    ("VALETKEY_PORT", "0", "port", 0),
    ("VALETKEY_AWS_READ_TIMEOUT", "1.5", "aws_read_timeout", 1.5),
    ("VALETKEY_MIGRATE_ON_START", "yes", "migrate_on_start", True),
    ("VALETKEY_MIGRATE_ON_START", "0", "migrate_on_start", False),
    (
        "VALETKEY_TRUSTED_PROXIES",
        "10.0.0.1, 10.1.0.0/16,",
        "trusted_proxies",
        ("10.0.0.1", "10.1.0.0/16"),
    ),
    ("VALETKEY_DATA_DIR", "/srv", "data_dir", Path("/srv")),
    ("AWS_ENDPOINT_URL", "http://one", "sts_endpoint", "http://one"),
    ("AWS_REGION", "eu-west-1", "aws_region", "eu-west-1"),
]


@pytest.mark.parametrize(("variable", "text", "name", "value"), PARSED)
def test_a_variable_is_read_as_its_setting_is(
    variable: str, text: str, name: str, value: object
) -> None:
    assert getattr(load_settings({variable: text}), name) == value


def test_ours_win_over_botocores_names_and_its_narrow_ones_over_its_wide() -> None:
    wide = {"AWS_ENDPOINT_URL": "http://wide", "AWS_ENDPOINT_URL_S3": "http://narrow"}
    found = load_settings(wide | {"VALETKEY_IAM_ENDPOINT": "http://ours"})
    assert (found.sts_endpoint, found.s3_endpoint) == ("http://wide", "http://narrow")
    assert found.iam_endpoint == "http://ours"


REFUSED = [
    ("VALETKEY_PROT", "1", "'port'"),
    ("VALETKEY_NOTHING_LIKE_IT", "1", "valetkey settings"),
    ("VALETKEY_PORT", "many", "a number"),
    ("VALETKEY_MIGRATE_ON_START", "maybe", "true or false"),
]


@pytest.mark.parametrize(("variable", "text", "says"), REFUSED)
def test_what_cannot_be_right_is_refused_with_what_would_be(
    variable: str, text: str, says: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_settings({variable: text})
    assert variable in caught.value.message
    assert says in caught.value.hint


NUMBERS = [
    setting for setting in fields(Settings) if type(setting.metadata["default"]) in (int, float)
]


@pytest.mark.parametrize("setting", NUMBERS, ids=[setting.name for setting in NUMBERS])
@pytest.mark.parametrize("text", ["-1", "1" + 30 * "0", "nan", "inf", "-inf", ""])
def test_a_number_that_cannot_be_right_is_refused_with_what_would_be(
    setting: Field[Any], text: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_settings({PREFIX + setting.name.upper(): text})
    assert setting.name in caught.value.message.lower()
    assert "number" in caught.value.hint


def test_what_is_given_on_the_command_line_has_the_same_limits() -> None:
    with pytest.raises(ConfigurationError, match="can't be 70000"):
        replace(load_settings({}), port=70_000)


FILES = [
    ("port = 1.5", "port in"),
    ("port = ", "is not TOML"),
    ("prot = 1", "'prot'"),
    ('port = "many"', "port in"),
    ("port = true", "port in"),
    ("host = 1", "host in"),
    ("allowed_endpoint_hosts = [1]", "allowed_endpoint_hosts in"),
]


@pytest.mark.parametrize(("content", "says"), FILES)
def test_a_file_that_cannot_be_right_is_refused_by_place(
    tmp_path: Path, content: str, says: str
) -> None:
    file = tmp_path / "settings.toml"
    file.write_text(content)
    with pytest.raises(ConfigurationError) as caught:
        load_settings({}, file)
    assert says in caught.value.message
    assert str(file) in caught.value.message


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"nowhere\.toml"):
        load_settings({}, tmp_path / "nowhere.toml")


def test_the_clients_own_variables_are_not_settings() -> None:
    load_settings({"VALETKEY_URL": "x", "VALETKEY_TOKEN": "x", "VALETKEY_TOKEN_FILE": "x"})


def test_secrets_among_the_settings_do_not_print() -> None:
    found = load_settings({"VALETKEY_DATABASE_URL": "postgresql://user:hidden@host/name"})
    assert "hidden" not in repr(found)


def test_the_page_has_every_setting_under_both_of_its_names() -> None:
    page = settings_page()
    for setting in fields(Settings):
        assert f"| `{setting.name}` | `{PREFIX}{setting.name.upper()}` |" in page


@pytest.mark.parametrize(
    ("variables", "says"),
    [
        ({"VALETKEY_DUTIES": "serve,wrok"}, "wrok"),
        ({"VALETKEY_DUTIES": ""}, "empty"),
        ({"VALETKEY_LOG_LEVEL": "loud"}, "log_level can't be 'loud'"),
        ({"VALETKEY_LOG_FORMAT": "xml"}, "log_format can't be 'xml'"),
        ({"VALETKEY_WORKERS": "2"}, "SQLite"),
        (
            {
                "VALETKEY_WORKERS": "2",
                "VALETKEY_HEALTH_PORT": "1",
                "VALETKEY_DATABASE_URL": "postgresql://host/name",
            },
            "health port",
        ),
    ],
)
def test_settings_that_do_not_fit_one_another_are_refused(
    variables: dict[str, str], says: str
) -> None:
    with pytest.raises(ConfigurationError, match=says):
        load_settings(variables)


def test_what_kubernetes_sets_for_a_service_is_no_setting_and_a_port_is_one() -> None:
    assert load_settings({"VALETKEY_PORT": "tcp://10.0.0.7:80"}).port == Settings().port
    assert load_settings({"VALETKEY_PORT": "1234"}).port == 1234
    with pytest.raises(ConfigurationError):
        load_settings({"VALETKEY_SERVICE_HOSTS": "10.0.0.7"})


@pytest.mark.parametrize("service", ["", "POSTGRESQL_", "WORKER_HEALTH_", "HEALTH_"])
def test_what_kubernetes_sets_for_services_whose_names_begin_with_ours_is_no_setting(
    service: str,
) -> None:
    name = f"VALETKEY_{service}"
    told = {
        f"{name}SERVICE_HOST": "10.0.0.7",
        f"{name}SERVICE_PORT": "5432",
        f"{name}SERVICE_PORT_TCP_POSTGRESQL": "5432",
        f"{name}PORT": "tcp://10.0.0.7:5432",
        f"{name}PORT_5432_TCP": "tcp://10.0.0.7:5432",
        f"{name}PORT_5432_TCP_PROTO": "tcp",
        f"{name}PORT_5432_TCP_PORT": "5432",
        f"{name}PORT_5432_TCP_ADDR": "10.0.0.7",
    }
    assert load_settings(told) == load_settings({})
