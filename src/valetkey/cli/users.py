"""People who sign in. These commands run on the server's own machine."""

from __future__ import annotations

import asyncio

from cyclopts import App

from valetkey.cli import show
from valetkey.cli.options import Email
from valetkey.cli.server import make_password_link
from valetkey.cli.settings import SETUP, SettingsOptions

app = App(name="users", help="People who sign in to this server.")


@app.command(name="reset-password")
def reset_password(email: Email, /, *, setup: SettingsOptions = SETUP) -> None:
    """Make a one-time link that sets somebody's password, for who can't ask an owner for one.

    The link is printed this once, works within 24 hours, and replaces an earlier one. The password
    stays until the link is used; then all sign-ins of before end.
    """
    settings = setup.settings()
    link = asyncio.run(make_password_link(settings, email))
    path = f"/console/password?link={link.secret.reveal()}"
    address = f"{settings.public_url.rstrip('/')}{path}" if settings.public_url else path
    if setup.as_json:
        show.write_json(
            {"email": link.email, "link": address, "expiresAt": link.expires_at.isoformat()}
        )
        return
    show.write(address)
    where = "" if settings.public_url else " Put the server's address before it."
    show.say(f"For {link.email} and nobody else; it ends {show.moment(link.expires_at)}.{where}")
