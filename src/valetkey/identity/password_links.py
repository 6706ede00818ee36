"""One-time password links: for who forgot a password, or never had one."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from valetkey.domain.access import Action, OrgRole, Principal
from valetkey.domain.errors import Denied, NotFound
from valetkey.domain.people import PasswordLink, User, UserKind
from valetkey.domain.ports import Clock, Entropy, Storage, UnitOfWork
from valetkey.domain.secret import Secret
from valetkey.domain.shown_secrets import SecretKind, is_shown_secret, make_secret, secret_hash
from valetkey.identity.accounts import end_sign_ins
from valetkey.identity.passwords import PasswordCheck
from valetkey.identity.records import caller_of, org_ids, user_events
from valetkey.services.access import Access, Verb
from valetkey.services.audit import AuditLog, Caller
from valetkey.services.lookup import missing
from valetkey.services.nouns import ORGANIZATION

LIFETIME: Final = timedelta(hours=24)
CREATE_LINK: Final = Verb("password_link.create", Action.MANAGE_ORG)
_USE: Final = "password_link.use"
#: Who makes a link by a command on the server.
_SERVER: Final = Principal("", "server")


class PasswordLinks:
    """Making links, and setting a password with one."""

    def __init__(
        self,
        storage: Storage,
        passwords: PasswordCheck,
        audit: AuditLog,
        clock: Clock,
        entropy: Entropy,
    ) -> None:
        self._storage = storage
        self._access: Access[UnitOfWork] = Access(storage, audit)
        self._passwords = passwords
        self._audit = audit
        self._clock = clock
        self._entropy = entropy

    async def create(self, caller: Caller, org_id: str, email: str) -> tuple[PasswordLink, Secret]:
        """Make a link for a member, in place of an earlier one; it is shown this once.

        Raises NotFound, Denied: also where the member belongs to an organisation that the caller
        does not own, since a password opens that one too.
        """
        async with self._access.changing(caller, CREATE_LINK, ORGANIZATION, org_id) as change:
            user = await change.work.users.by_email(email.strip().lower())
            orgs = await org_ids(change.work, user.id) if user else []
            if user is None or org_id not in orgs or user.kind is not UserKind.PERSON:
                raise missing(f"member:{email[:254]}")
            roles = change.caller.principal.org_roles
            if any(roles.get(each) is not OrgRole.OWNER for each in orgs):
                raise Denied(
                    f"{user.email} belongs to other organisations too.",
                    hint="Have the link made on the server: valetkey users reset-password.",
                )
            link, secret = self._make(user, change.caller.principal.email)
            await change.work.password_links.put(link)
            change.note(f"user:{user.id}", email=user.email)
        return link, secret

    async def create_on_server(self, email: str) -> tuple[PasswordLink, Secret]:
        """Make a link as whoever runs the server. Raises NotFound, StorageUnavailable."""
        caller = Caller(_SERVER)
        async with self._storage.begin() as work:
            user = await work.users.by_email(email.strip().lower())
            if user is None or user.kind is not UserKind.PERSON:
                raise NotFound(f"There is no user {email[:254]!r}.", hint="Check the address.")
            link, secret = self._make(user, _SERVER.email)
            await work.password_links.put(link)
            orgs = await org_ids(work, user.id)
            events = user_events(self._audit, caller, CREATE_LINK.name, user, orgs)
            await work.audit.append(events)
        return link, secret

    def _make(self, user: User, creator: str) -> tuple[PasswordLink, Secret]:
        now, secret = self._clock.now(), make_secret(SecretKind.LINK, self._entropy)
        link = PasswordLink(user.id, secret_hash(secret.reveal()), creator, now, now + LIFETIME)
        return link, secret

    async def use(
        self, text: str, password: Secret, *, source: str = "", request_id: str = ""
    ) -> User:
        """Set a password with a link, which is used up; all earlier sign-ins end.

        Raises InvalidInput (a password that is too short), Denied (no such link, used, or over),
        TooManyRequests.
        """
        digest = secret_hash(text)
        async with self._storage.read() as work:
            found = await work.password_links.by_hash(digest)
        if not is_shown_secret(text, SecretKind.LINK) or not self._is_good(found):
            raise _over()
        password_hash = await self._passwords.hash(password, source=source)
        async with self._storage.begin() as work:
            link = await work.password_links.take(digest)
            user = await work.users.get(link.user_id) if link else None
            if user is None or not self._is_good(link):
                raise _over()
            caller = caller_of(user, request_id=request_id, source=source)
            user = await end_sign_ins(work, user, password_hash)
            orgs = await org_ids(work, user.id)
            await work.audit.append(user_events(self._audit, caller, _USE, user, orgs))
        return user

    def _is_good(self, link: PasswordLink | None) -> bool:
        return link is not None and link.expires_at > self._clock.now()


def _over() -> Denied:
    return Denied(
        "This link does not work: it was used, replaced by a newer one, or its time is over.",
        hint="Ask an owner of your organisation for a new one.",
    )
