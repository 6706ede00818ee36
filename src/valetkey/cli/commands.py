"""What there is: each command by name, place and one line of help, and the page that lists them.

Nothing is imported here, not even the library of commands (that is ``program.py``): this page is
what people ask for first, and it costs no more than Python's start.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class Mount(NamedTuple):
    """A command or a group of commands; ``place`` is ``module:attribute``."""

    name: str
    place: str
    help: str


_ACCOUNT: Final = (
    Mount("login", "valetkey.cli.account:login", "Log in to a server, and keep the token."),
    Mount("logout", "valetkey.cli.account:logout", "Forget the token."),
    Mount("whoami", "valetkey.cli.account:whoami", "Say who you are, and what you may do."),
    Mount("password", "valetkey.cli.account:password", "Change your password."),
    Mount("sessions", "valetkey.cli.account:sessions", "Your sign-ins to the console."),
    Mount("tokens", "valetkey.cli.tokens:app", "API tokens: what programs show."),
)
_DATA: Final = (
    Mount("credentials", "valetkey.cli.credentials:credentials", "Get temporary credentials."),
    Mount("presign", "valetkey.cli.credentials:presign", "Get presigned URLs."),
    Mount(
        "exec", "valetkey.cli.credential_helpers.commands:exec_", "Run a command with credentials."
    ),
    Mount(
        "agent",
        "valetkey.cli.credential_helpers.commands:agent",
        "Serve credentials on this machine.",
    ),
    Mount("datasets", "valetkey.cli.datasets:app", "Indexes of what is in the buckets."),
    Mount("objects", "valetkey.cli.objects:app", "The entries of datasets."),
    Mount("operations", "valetkey.cli.objects:operations", "Work that takes time."),
)
_MANAGING: Final = (
    Mount("integrations", "valetkey.cli.integrations:app", "The trust with AWS, or with a store."),
    Mount("locations", "valetkey.cli.locations:app", "Buckets, or folders of them."),
    Mount("grants", "valetkey.cli.grants:app", "What people may have of a location."),
    Mount("groups", "valetkey.cli.groups:app", "Some members under one name, for grants."),
    Mount("orgs", "valetkey.cli.projects:orgs", "Organisations."),
    Mount("projects", "valetkey.cli.projects:app", "What locations and people belong to."),
    Mount("members", "valetkey.cli.members:app", "Who belongs to an organisation or a project."),
    Mount("service-accounts", "valetkey.cli.service_accounts:app", "Programs, nobody's person."),
    Mount("leases", "valetkey.cli.leases:app", "See and revoke what was vended."),
    Mount("revocations", "valetkey.cli.leases:revocations", "What was revoked."),
    Mount("blocks", "valetkey.cli.leases:blocks", "Whom nothing new is vended."),
    Mount("audit", "valetkey.cli.audit:app", "The record of who got what."),
)
_AWS: Final = (Mount("setup", "valetkey.cli.setup:app", "Set up what Valetkey stands on, at AWS."),)
_SERVER: Final = (
    Mount("init", "valetkey.cli.server:init", "First start: the key, the tables, the owner."),
    Mount("serve", "valetkey.cli.server:serve", "Run the server."),
    Mount("worker", "valetkey.cli.server:worker", "Do a server's background work, elsewhere."),
    Mount("migrate", "valetkey.cli.server:migrate", "Bring the database to this version."),
    Mount("seal", "valetkey.cli.sealing:app", "The key that seals stored secrets."),
    Mount("users", "valetkey.cli.users:app", "People who sign in: one-time password links."),
    Mount("settings", "valetkey.cli.settings:settings", "List the server's settings."),
    Mount("demo", "valetkey.cli.demo:demo", "See all of it happen, on an embedded AWS."),
)
#: The groups, in the order in which the help shows them.
GROUPS: Final = (
    ("Who you are", _ACCOUNT),
    ("Using data", _DATA),
    ("Managing", _MANAGING),
    ("Setting up AWS", _AWS),
    ("Running a server", _SERVER),
)
SUMMARY: Final = "Short-lived, narrowly scoped, audited S3 credentials."
EXIT_CODES: Final = (
    "Exit codes: 0 done, 1 something does not hold, 2 wrong words or input, "
    "3 not logged in, 4 denied, 5 not found, 6 conflict, 7 AWS refused, 8 no answer."
)


def front_page() -> str:
    """Return what ``valetkey --help`` shows, in lines of at most 80 characters."""
    width = max(len(mount.name) for _, mounts in GROUPS for mount in mounts)
    lines = ["Usage: valetkey COMMAND", "", SUMMARY]
    for title, mounts in GROUPS:
        lines += ["", f"{title}:"]
        lines += [f"  {mount.name:{width}}  {mount.help}" for mount in mounts]
    lines += ["", "'valetkey COMMAND --help' explains a command, '--version' tells the version."]
    return "\n".join([*lines, "", EXIT_CODES.replace(" 3 ", "\n3 ")]) + "\n"


def installed_version() -> str:
    """Return this package's version."""
    from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415  # a slow import

    try:
        return version("valetkey")
    except PackageNotFoundError:
        return "unknown"
