"""The commands as the library of commands has them: each is imported when it is used."""

from __future__ import annotations

from cyclopts import App, Group

from valetkey.cli.commands import EXIT_CODES, GROUPS, SUMMARY, installed_version

app = App(
    name="valetkey",
    help=SUMMARY,
    help_format="plaintext",
    version=installed_version,
    help_epilogue=EXIT_CODES,
    suppress_keyboard_interrupt=False,  # entry.py says that it was broken off
)
for _title, _mounts in GROUPS:
    _group = Group.create_ordered(_title)
    for _mount in _mounts:
        app.command(_mount.place, name=_mount.name, help=_mount.help, group=_group)
