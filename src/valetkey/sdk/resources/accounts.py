"""Who is asking, and logins.

Generated: ``python -m valetkey.wire.library``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

from valetkey.sdk.resources.base import AsyncResource, Resource
from valetkey.sdk.sending import call, unchanged
from valetkey.wire import accounts, base, orgs


class Accounts(Resource):
    """Who is asking, and logins."""

    def get_me(self) -> accounts.Me:
        """Show who is asking, with their organisations, projects and roles.


        Raises ApiError.
        """
        return self._client.send(call(accounts.GET_ME))

    def create_login(self, *, email: str, password: str) -> accounts.Login:
        """Exchange a password for a login's token.

        - ``email``: The e-mail address.
        - ``password``: The password.

        Raises ApiError.
        """
        return self._client.send(
            call(accounts.CREATE_LOGIN, body=accounts.NewLogin(email=email, password=password))
        )

    def renew_login(self, *, token: str) -> accounts.Login:
        """Exchange a login's token that is still good for a later one.

        - ``token``: The login's token.

        Raises ApiError.
        """
        return self._client.send(call(accounts.RENEW_LOGIN, body=accounts.Renewal(token=token)))

    def change_password(self, *, old: str, new: str) -> accounts.Login:
        """Replace one's password; all earlier logins end.

        - ``old``: The password of now.
        - ``new``: The new one, of at least 12 letters.

        Raises ApiError.
        """
        return self._client.send(
            call(accounts.CHANGE_PASSWORD, body=accounts.PasswordChange(old=old, new=new))
        )

    def sign_out_everywhere(self) -> accounts.Login:
        """End all of one's logins; the answer is a new one. API tokens stay.


        Raises ApiError.
        """
        return self._client.send(call(accounts.SIGN_OUT_EVERYWHERE))

    def list_sessions(self) -> Iterator[accounts.Session]:
        """List one's sessions of the console, newest first.


        Raises ApiError.
        """
        return self._client.walk(call(accounts.LIST_SESSIONS, query=base.Paging()))

    def get_session(self, session_id: str) -> accounts.Session:
        """Show one of one's sessions of the console.

        - ``session_id``: The session's id.

        Raises ApiError.
        """
        return self._client.send(call(accounts.GET_SESSION, {"sessionId": session_id}))

    def end_session(self, session_id: str, *, if_unchanged: accounts.Session | None = None) -> None:
        """End one of one's sessions of the console at once.

        - ``session_id``: The session's id.
        - ``if_unchanged``: What was read of it: refuse with VersionMismatch if it is another by
          now.

        Raises ApiError.
        """
        self._client.run(
            unchanged(
                call(accounts.END_SESSION, {"sessionId": session_id}),
                accounts.GET_SESSION,
                {"sessionId": session_id},
                if_unchanged,
            )
        )

    def use_password_link(self, *, link: str, password: str) -> None:
        """Set a password with a one-time link; it is used up, and all earlier logins end.

        - ``link``: What follows ``link=`` in the link.
        - ``password``: The new password.

        Raises ApiError.
        """
        self._client.send(
            call(orgs.USE_PASSWORD_LINK, body=orgs.PasswordLinkUse(link=link, password=password))
        )


class AsyncAccounts(AsyncResource, like=Accounts):
    """Who is asking, and logins."""

    async def get_me(self) -> accounts.Me:
        """Show who is asking, with their organisations, projects and roles."""
        return await self._client.send(call(accounts.GET_ME))

    async def create_login(self, *, email: str, password: str) -> accounts.Login:
        """Exchange a password for a login's token."""
        return await self._client.send(
            call(accounts.CREATE_LOGIN, body=accounts.NewLogin(email=email, password=password))
        )

    async def renew_login(self, *, token: str) -> accounts.Login:
        """Exchange a login's token that is still good for a later one."""
        return await self._client.send(
            call(accounts.RENEW_LOGIN, body=accounts.Renewal(token=token))
        )

    async def change_password(self, *, old: str, new: str) -> accounts.Login:
        """Replace one's password; all earlier logins end."""
        return await self._client.send(
            call(accounts.CHANGE_PASSWORD, body=accounts.PasswordChange(old=old, new=new))
        )

    async def sign_out_everywhere(self) -> accounts.Login:
        """End all of one's logins; the answer is a new one. API tokens stay."""
        return await self._client.send(call(accounts.SIGN_OUT_EVERYWHERE))

    def list_sessions(self) -> AsyncIterator[accounts.Session]:
        """List one's sessions of the console, newest first."""
        return self._client.walk(call(accounts.LIST_SESSIONS, query=base.Paging()))

    async def get_session(self, session_id: str) -> accounts.Session:
        """Show one of one's sessions of the console."""
        return await self._client.send(call(accounts.GET_SESSION, {"sessionId": session_id}))

    async def end_session(
        self, session_id: str, *, if_unchanged: accounts.Session | None = None
    ) -> None:
        """End one of one's sessions of the console at once."""
        await self._client.run(
            unchanged(
                call(accounts.END_SESSION, {"sessionId": session_id}),
                accounts.GET_SESSION,
                {"sessionId": session_id},
                if_unchanged,
            )
        )

    async def use_password_link(self, *, link: str, password: str) -> None:
        """Set a password with a one-time link; it is used up, and all earlier logins end."""
        await self._client.send(
            call(orgs.USE_PASSWORD_LINK, body=orgs.PasswordLinkUse(link=link, password=password))
        )
