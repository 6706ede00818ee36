"""The token of a login, kept in a private file between commands: the client library's own, so that
a program finds what ``valetkey login`` kept."""

from __future__ import annotations

from valetkey.sdk.profiles import KeptLogin, login_file, read_login, write_login, write_private

__all__ = ["KeptLogin", "login_file", "read_login", "write_login", "write_private"]
