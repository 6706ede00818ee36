"""All settings: one frozen object, read once at start-up, from the environment or a TOML file.

Nothing here is read on import. ``settings_page`` writes the reference from the same fields.
"""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import Field, dataclass, field, fields
from pathlib import Path
from typing import Any, Final, cast

from valetkey.domain.errors import ConfigurationError
from valetkey.domain.secret import Secret

PREFIX: Final = "VALETKEY_"
#: Ours too, but read by the client or by whoever finds the file.
_OTHERS: Final = frozenset({"URL", "TOKEN", "TOKEN_FILE", "PROFILE", "CONFIG", "KEK", "DEBUG"})
_TRUE: Final = frozenset({"1", "true", "yes", "on"})
_FALSE: Final = frozenset({"0", "false", "no", "off"})
_LAST_PORT: Final = 65_535
#: Seconds: what waits for longer, or for less, was not meant.
_SHORTEST, _A_DAY = 0.01, 86_400
#: What Kubernetes tells each container of each Service, in variables that begin with its name: of
#: one called valetkey, and of its neighbours valetkey-postgresql and the like.
_SERVICE: Final = re.compile(
    r"(\w+_)?(SERVICE_(HOST|PORT(_\w+)?)|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)"
)
_SERVICE_PORT: Final = re.compile(r"(\w+_)?PORT")
_SERVICE_URL: Final = re.compile(r"(tcp|udp|sctp)://")
#: botocore's own names, honoured where ours say nothing.
_BOTOCORE: Final = {
    "sts_endpoint": ("AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL"),
    "iam_endpoint": ("AWS_ENDPOINT_URL_IAM", "AWS_ENDPOINT_URL"),
    "s3_endpoint": ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"),
    "kms_endpoint": ("AWS_ENDPOINT_URL_KMS", "AWS_ENDPOINT_URL"),
    "aws_region": ("AWS_REGION", "AWS_DEFAULT_REGION"),
}


def _setting(
    default: Any, text: str, *, least: float = 0, most: float = 0, words: Sequence[str] = ()
) -> Any:
    """Return a field; a number is between ``least`` and ``most``, a text is one of ``words``."""
    # A factory, because a Secret has no hash and dataclasses take that for mutable.
    known = {"help": text, "default": default, "least": least, "most": most, "words": words}
    return field(default_factory=lambda: default, metadata=known)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a server is told. Lists are comma-separated in the environment."""

    data_dir: Path = _setting(
        Path("~/.local/share/valetkey"), "Folder of the database and the key file."
    )
    database_url: Secret = _setting(
        Secret(""),
        "`sqlite:///path/file.db` or `postgresql://user:password@host/name`. "
        "Empty: SQLite in the data folder.",
    )
    database_connections: int = _setting(
        24,
        "How many connections to the database each process has at most, beside three that stand "
        "alone: all processes together must stay below PostgreSQL's max_connections.",
        least=8,  # two for each pool
        most=10_000,
    )
    key: str = _setting(
        "",
        "Where the key-encryption key is: `file:/path`, `env:NAME`, `awskms:///ARN`, "
        "`vault://HOST/MOUNT/KEY` or `openbao://HOST/MOUNT/KEY`. "
        "Empty: `valetkey.key` in the data folder.",
    )
    previous_keys: tuple[str, ...] = _setting(
        (),
        "Where earlier key-encryption keys are: they open what `valetkey seal rotate` has not yet "
        "moved to `key`.",
    )
    host: str = _setting("127.0.0.1", "Address to listen on.")
    port: int = _setting(8484, "Port to listen on; 0 lets the system choose.", most=_LAST_PORT)
    public_url: str = _setting(
        "",
        "Address that browsers know this server by, such as `https://valetkey.example.com`: "
        "verification asks each bucket whether its CORS rules let such a page in.",
    )
    trusted_proxies: tuple[str, ...] = _setting(
        (),
        "Addresses or networks of proxies whose `X-Forwarded-For`, `X-Forwarded-Proto` and "
        "`X-Request-Id` are trusted.",
    )
    shutdown_grace: float = _setting(
        10.0,
        "Seconds that requests under way get to finish after a stop is asked for. Five seconds "
        "later the process has ended, whatever still ran.",
        most=_A_DAY,
    )
    workers: int = _setting(
        1,
        "Processes that serve on this machine. More than one need a PostgreSQL database, as "
        "several machines do.",
        least=1,
        most=256,
    )
    duties: tuple[str, ...] = _setting(
        ("serve", "work"),
        "What a server does: `serve` answers requests; `work` runs syncs, rotations, revocations "
        "and housekeeping too, which `valetkey worker` can do instead.",
    )
    health_port: int = _setting(
        0,
        "A further port for `/healthz` and `/readyz`, answered from a thread of its own, however "
        "busy the rest is; 0: none.",
        most=_LAST_PORT,
    )
    ready_file: str = _setting(
        "",
        "A file that is there while the server answers: its address and what it uses, as JSON.",
    )
    max_body_bytes: int = _setting(
        1 << 20, "The longest JSON body that a request may have.", least=1, most=1 << 30
    )
    migrate_on_start: bool = _setting(
        False, "Bring the database to this version when the server starts."
    )
    allowed_endpoint_hosts: tuple[str, ...] = _setting(
        (),
        "Hosts that a location's own endpoint may name although they are private or unencrypted; "
        "a leading dot allows the hosts below a domain.",
    )
    sts_endpoint: str = _setting("", "STS endpoint instead of AWS's own.")
    iam_endpoint: str = _setting("", "IAM endpoint instead of AWS's own.")
    s3_endpoint: str = _setting("", "S3 endpoint instead of AWS's own.")
    kms_endpoint: str = _setting("", "KMS endpoint instead of AWS's own.")
    aws_region: str = _setting("us-east-1", "Region of STS calls.")
    own_access_key_id: str = _setting(
        "",
        "The server's own access key at AWS, for aws-cross integrations. Empty: as AWS's tools "
        "find it (environment, container or instance role).",
    )
    own_secret_access_key: Secret = _setting(Secret(""), "The secret of that key.")
    aws_connect_timeout: float = _setting(
        5.0, "Seconds to wait for a connection to AWS.", least=_SHORTEST, most=_A_DAY
    )
    aws_read_timeout: float = _setting(
        20.0, "Seconds to wait for an answer of AWS.", least=_SHORTEST, most=_A_DAY
    )
    aws_sts_seconds: float = _setting(
        10.0,
        "Seconds after which a call to STS is given up, with all its attempts: credentials are "
        "vended or refused within five seconds more.",
        least=_SHORTEST,
        most=_A_DAY,
    )
    ray_addresses: tuple[str, ...] = _setting(
        (),
        "Ray clusters, `HOST:PORT`, that syncs may be given to (`--engine ray`); the first is the "
        "usual one. Their nodes are given the database's URL.",
    )
    ray_token_file: str = _setting(
        "", "The file with the Ray clusters' token. Without it they are not used."
    )
    ray_insecure: bool = _setting(
        False, "Use Ray clusters that ask nobody for a token: whoever reaches them runs programs."
    )
    ray_database_url: Secret = _setting(
        Secret(""),
        "The database's URL as Ray's nodes are given it: with a role of its own, which may touch "
        "the index alone (see the guide on Ray). Empty: the server's own.",
    )
    log_format: str = _setting(
        "auto",
        "`human`, `json`, or `auto`: human on a terminal, JSON otherwise.",
        words=("human", "json", "auto"),
    )
    log_level: str = _setting(
        "info",
        "`debug`, `info`, `warning` or `error`.",
        words=("debug", "info", "warning", "error"),
    )

    def __post_init__(self) -> None:
        unknown = set(self.duties) - {"serve", "work"}
        if unknown or not self.duties:
            raise ConfigurationError(
                f"The setting duties can't be {', '.join(self.duties) or 'empty'}.",
                hint="It is 'serve', 'work', or both: 'serve,work'.",
            )
        for setting in fields(self):
            _require_within(setting, getattr(self, setting.name))
        if self.workers > 1 and self.database.startswith("sqlite"):
            raise ConfigurationError(
                "Several processes can't serve a SQLite database.",
                hint="Use PostgreSQL (the setting database_url), or leave workers at 1.",
            )
        if self.workers > 1 and self.health_port:
            raise ConfigurationError(
                "Several workers can't share one health port.",
                hint="Ask /readyz at the server's own port, or leave workers at 1.",
            )

    @property
    def works(self) -> bool:
        """Whether background work is done in this process."""
        return "work" in self.duties

    @property
    def data_folder(self) -> Path:
        """The data folder, ``~`` resolved."""
        return self.data_dir.expanduser().absolute()

    @property
    def database(self) -> str:
        """The database's URL. It may hold a password: don't print it."""
        return self.database_url.reveal() or f"sqlite:///{self.data_folder / 'valetkey.db'}"

    @property
    def key_place(self) -> str:
        """Where the key-encryption key is."""
        return self.key or f"file:{self.data_folder / 'valetkey.key'}"


def load_settings(environment: Mapping[str, str], file: Path | None = None) -> Settings:
    """Read the settings: a TOML file (``VALETKEY_CONFIG`` unless given), then the environment.

    Raises ConfigurationError for unknown names and values of a wrong form, naming the place.
    """
    place = file or (
        Path(environment["VALETKEY_CONFIG"]) if "VALETKEY_CONFIG" in environment else None
    )
    values: dict[str, Any] = {}
    if place is not None:
        values |= _from_file(place)
    values |= _from_environment(environment)
    for name, variables in _BOTOCORE.items():
        given = next((environment[v] for v in variables if environment.get(v)), "")
        if given and name not in values:
            values[name] = given
    return Settings(**values)


def _from_file(place: Path) -> dict[str, Any]:
    try:
        with place.open("rb") as file:
            content = tomllib.load(file)
    except OSError as error:
        raise ConfigurationError(
            f"The settings file {place} can't be read: {error.strerror}.", hint="Check its path."
        ) from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(
            f"The settings file {place} is not TOML: {error}.", hint="Fix that line."
        ) from None
    return {
        name: _parse(_known(name, f"{name!r} in {place}"), value, f"{name} in {place}")
        for name, value in content.items()
    }


def _from_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    found = {}
    for variable, value in environment.items():
        if not variable.startswith(PREFIX) or variable.removeprefix(PREFIX) in _OTHERS:
            continue
        if _of_kubernetes(variable.removeprefix(PREFIX), value):
            continue
        name = variable.removeprefix(PREFIX).lower()
        found[name] = _parse(_known(name, f"The variable {variable}"), value, variable)
    return found


def _of_kubernetes(name: str, value: str) -> bool:
    """Tell whether Kubernetes set a variable, for a Service whose name begins with valetkey."""
    if _SERVICE.fullmatch(name):
        return True
    return bool(_SERVICE_PORT.fullmatch(name) and _SERVICE_URL.match(value))


def _known(name: str, where: str) -> str:
    names = [setting.name for setting in fields(Settings)]
    if name in names:
        return name
    near = difflib.get_close_matches(name, names, n=1)
    raise ConfigurationError(
        f"{where} is not a setting of Valetkey.",
        hint=f"Did you mean {near[0]!r}?" if near else "See 'valetkey settings' for all of them.",
    )


def _parse(name: str, value: object, where: str) -> Any:
    default = next(s.metadata["default"] for s in fields(Settings) if s.name == name)
    wrong = ConfigurationError(
        f"{where} has a value of a wrong form.",
        hint=f"It is {_form(default)}; see 'valetkey settings'.",
    )
    try:
        return _convert(default, value)
    except (ValueError, TypeError):
        raise wrong from None


def _convert(default: object, value: object) -> Any:
    if isinstance(default, tuple):
        parts = value.split(",") if isinstance(value, str) else cast("list[Any]", value)
        return tuple(_text(part).strip() for part in parts if _text(part).strip())
    if isinstance(default, bool):
        word = str(value).lower()
        if word not in _TRUE | _FALSE:
            raise ValueError(word)
        return word in _TRUE
    if isinstance(default, int | float):
        if isinstance(value, bool) or (isinstance(default, int) and isinstance(value, float)):
            raise TypeError
        return type(default)(cast("Any", value))
    return type(default)(_text(value))  # type: ignore[call-arg]  # str, Path or Secret


def _require_within(setting: Field[Any], value: object) -> None:
    least, most = setting.metadata["least"], setting.metadata["most"]
    if most and isinstance(value, int | float) and not least <= value <= most:
        raise ConfigurationError(
            f"The setting {setting.name} can't be {value}.",
            hint=f"It is a number from {least:,} to {most:,}; see 'valetkey settings'.",
        )
    words = setting.metadata["words"]
    if words and str(value).lower() not in words:
        raise ConfigurationError(
            f"The setting {setting.name} can't be {value!r}.",
            hint=f"It is one of {', '.join(words)}.",
        )


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _form(default: object) -> str:
    if isinstance(default, bool):
        return "true or false"
    if isinstance(default, int | float):
        return "a number"
    if isinstance(default, tuple):
        return "a list of texts"
    return "a text"


def settings_page() -> str:
    """Return the reference of all settings, in Markdown."""
    lines = [
        "# Settings",
        "Read once at start-up: from a TOML file (`--config`, or the variable `VALETKEY_CONFIG`), "
        "then from the environment, which wins. An unknown name is an error. "
        "This page is generated: `make reference`.",
        "",
        "| in the file | in the environment | default | what it is |",
        "|---|---|---|---|",
    ]
    for setting in fields(Settings):
        default = setting.metadata["default"]
        default = "" if isinstance(default, Secret) else default
        shown = ",".join(default) if isinstance(default, tuple) else str(default)
        code = f"`{shown.lower() if isinstance(default, bool) else shown}`" if shown else "(empty)"
        variable = PREFIX + setting.name.upper()
        lines.append(f"| `{setting.name}` | `{variable}` | {code} | {setting.metadata['help']} |")
    lines += [
        "",
        "Where ours are not set, botocore's own names count: `AWS_ENDPOINT_URL`, "
        "`AWS_ENDPOINT_URL_STS`, `AWS_ENDPOINT_URL_IAM`, `AWS_ENDPOINT_URL_S3`, `AWS_REGION`.",
        "",
    ]
    return "\n".join(lines)


def environment() -> Mapping[str, str]:
    """Return the process's environment; the entry points alone ask for it."""
    return os.environ
