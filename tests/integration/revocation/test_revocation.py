"""Sessions are called back for real: AWS refuses the very credentials that were handed out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest
from botocore.exceptions import ClientError

from support.aws import client
from support.server import DEVELOPER, OWNER, Installation
from valetkey.domain.credentials import AccessKey
from valetkey.domain.secret import Secret
from valetkey.embedded.faults import Fault, FaultKind
from valetkey.sdk.errors import Denied, InvalidRequest, NotFound
from valetkey.wire.leases import Revocation, Revoked, Target

RIGHTS = ("iam:GetRolePolicy", "iam:PutRolePolicy", "iam:DeleteRolePolicy")


@dataclass(frozen=True)
class Session:
    """A credential that was handed out, in the hands of its holder."""

    lease: str
    s3: Any
    bucket: str

    def reads(self) -> bool:
        try:
            self.s3.get_object(Bucket=self.bucket, Key="train/a.txt")
        except ClientError as error:
            if error.response["Error"]["Code"] != "AccessDenied":
                raise
            return False
        return True


class Office:
    """An owner and a developer at a running Valetkey that may write the role's policy."""

    def __init__(self, server: Installation) -> None:
        self.server = server
        self.iam = client(server.aws, "iam")
        self.owner = server.client(OWNER)
        self.developer = server.client(DEVELOPER)

    def close(self) -> None:
        self.owner.close()
        self.developer.close()

    def grant_the_right(self) -> None:
        statement = {
            "Effect": "Allow",
            "Action": list(RIGHTS),
            "Resource": self.server.setup.role_arn,
        }
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        self.iam.put_user_policy(
            UserName=self.server.setup.user, PolicyName="revocation", PolicyDocument=document
        )

    def take_the_right(self) -> None:
        self.iam.delete_user_policy(UserName=self.server.setup.user, PolicyName="revocation")

    def vend(self, *, ttl: int = 900, owner: bool = False) -> Session:
        who = self.owner if owner else self.developer
        given = who.location(self.server.location.id).credentials(ttl=ttl)
        key = AccessKey(given.access_key_id, Secret(given.secret_access_key))
        s3 = client(self.server.aws, "s3", key, given.session_token)
        return Session(given.lease_id, s3, self.server.setup.bucket)

    def revoke(self, kind: Target, target: str, *, refuse_new: bool = False) -> Revoked:
        return self.owner.revocations.create(
            kind=kind, target=target, reason="the laptop was stolen", refuse_new=refuse_new
        )

    def resume(self) -> None:
        """Do what the server's worker does from time to time."""
        self.server.running.run(self.server.running.services.leases.resume())

    def revocations(self) -> list[Revocation]:
        return list(self.owner.revocations.list())

    def inline_policies(self) -> dict[str, Any]:
        role = self.server.setup.role
        names = self.iam.list_role_policies(RoleName=role)["PolicyNames"]
        return {
            name: self.iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
            for name in names
        }


@pytest.fixture(scope="module")
def opened(valetkey_server: Installation) -> Iterator[Office]:
    made = Office(valetkey_server)
    yield made
    made.close()


@pytest.fixture
def office(opened: Office) -> Office:
    """The office with its right; other tests' sessions are of no account."""
    opened.server.aws.faults.clear()
    opened.grant_the_right()
    return opened


def test_a_revoked_lease_is_refused_at_aws_and_the_others_go_on(office: Office) -> None:
    stolen, other = office.vend(ttl=900), office.vend(ttl=1000)
    assert stolen.reads()
    recall = office.revoke("lease", stolen.lease)
    assert (stolen.reads(), other.reads()) == (False, True)
    (revocation,) = recall.revocations
    assert (recall.leases, revocation.state) == (1, "enforced")
    assert revocation.proof is not None
    assert revocation.proof.startswith("Proven: a session of the same name read before")


def test_a_presigned_url_dies_with_its_session(office: Office) -> None:
    session = office.vend(ttl=1100)
    place = {"Bucket": session.bucket, "Key": "train/a.txt"}
    url = session.s3.generate_presigned_url("get_object", Params=place, ExpiresIn=800)
    assert httpx2.get(url).content == b"a"
    office.revoke("lease", session.lease)
    refused = httpx2.get(url)
    assert (refused.status_code, "AccessDenied" in refused.text) == (403, True)


def test_a_url_that_valetkey_presigned_dies_as_well(office: Office) -> None:
    keys = ["train/a.txt"]
    (made,) = office.developer.location(office.server.location.id).presign(keys)
    assert httpx2.get(made.url).content == b"a"
    office.revoke("location", office.server.location.id)
    assert httpx2.get(made.url).status_code == 403


def test_after_a_revocation_the_next_credential_is_another_one_and_works(office: Office) -> None:
    before = office.vend()
    office.revoke("principal", DEVELOPER)
    after = office.vend()
    assert after.lease != before.lease
    assert (before.reads(), after.reads()) == (False, True)


def test_a_principals_sessions_are_called_back_and_other_peoples_are_not(office: Office) -> None:
    mine, theirs = office.vend(ttl=950), office.vend(owner=True)
    office.revoke("principal", DEVELOPER)
    assert (mine.reads(), theirs.reads()) == (False, True)


def test_new_sessions_are_refused_where_asked_until_that_is_lifted(office: Office) -> None:
    office.revoke("principal", DEVELOPER, refuse_new=True)
    with pytest.raises(Denied, match="the laptop was stolen") as refusal:
        office.vend()
    assert "valetkey blocks delete" in refusal.value.hint
    assert office.vend(owner=True).reads()
    assert [block.target for block in office.owner.revocations.list_blocks()] == [DEVELOPER]
    office.owner.revocations.delete_block("principal", DEVELOPER)
    assert office.vend().reads()


def test_leases_are_listed_with_what_became_of_them(office: Office) -> None:
    session = office.vend(ttl=1200)
    office.revoke("lease", session.lease)
    found = office.owner.leases.list(principal=DEVELOPER)
    (lease,) = [each for each in found if each.id == session.lease]
    assert lease.holder is not None
    assert (lease.state, lease.holder.email) == ("revoked", DEVELOPER)
    alive = office.owner.leases.list(principal=DEVELOPER, active=True)
    assert session.lease not in {each.id for each in alive}


def test_somebody_who_is_not_an_owner_sees_their_own_leases_and_revokes_none(
    office: Office,
) -> None:
    office.vend(owner=True)
    seen = {lease.holder and lease.holder.email for lease in office.developer.leases.list()}
    assert seen <= {DEVELOPER}
    with pytest.raises(Denied):
        office.developer.revocations.create(kind="principal", target=OWNER, reason="for fun")


def test_a_revocation_is_audited_with_its_reason_and_its_proof(office: Office) -> None:
    session = office.vend(ttl=1300)
    office.revoke("lease", session.lease)
    reasons = [each.reason for each in office.owner.audit.list(action="leases.revoke")]
    assert "the laptop was stolen" in reasons
    assert any(reason and reason.startswith("Proven") for reason in reasons)


def test_without_the_right_it_says_so_and_prints_what_to_apply_by_hand(office: Office) -> None:
    office.take_the_right()
    session = office.vend(ttl=1400)
    (revocation,) = office.revoke("lease", session.lease).revocations
    assert revocation.state == "pending"
    assert "setup aws apply --with-revocation" in (revocation.problem or "")
    assert session.reads()
    by_hand = revocation.by_hand
    assert by_hand is not None
    assert by_hand.document in by_hand.command
    office.iam.put_role_policy(
        RoleName=office.server.setup.role,
        PolicyName=by_hand.name,
        PolicyDocument=by_hand.document,
    )
    assert not session.reads()


def test_verify_says_beforehand_whether_the_right_is_there(office: Office) -> None:
    server = office.server

    def outcome() -> tuple[str, str]:
        report = office.owner.integrations.verify(server.integration.id)
        (check,) = [each for each in report.checks if each.name == "revocation"]
        return check.outcome, check.fix or ""

    assert outcome() == ("passed", "")
    office.take_the_right()
    word, fix = outcome()
    assert word == "skipped"
    assert "setup aws apply --with-revocation" in fix
    assert "valetkey-probe" not in office.inline_policies()


def test_what_aws_did_not_take_is_pending_and_goes_through_later(office: Office) -> None:
    session = office.vend(ttl=1500)
    office.server.aws.faults.order(Fault(FaultKind.ERROR, action="PutRolePolicy", times=99))
    (revocation,) = office.revoke("lease", session.lease).revocations
    assert revocation.state == "pending"
    assert "tried again" in (revocation.problem or "")
    assert session.reads()
    office.server.aws.faults.clear()
    office.resume()
    assert not session.reads()
    states = {each.id: each.state for each in office.revocations()}
    assert states[revocation.id] == "enforced"


def test_a_lost_answer_of_aws_is_no_reason_to_forget(office: Office) -> None:
    session = office.vend(ttl=1600)
    office.server.aws.faults.order(Fault(FaultKind.LOST_RESPONSE, action="PutRolePolicy"))
    office.revoke("lease", session.lease)
    office.resume()
    assert not session.reads()
    assert all(each.state == "enforced" for each in office.revocations())


def test_another_inline_policy_of_the_role_is_left_alone(office: Office) -> None:
    own = json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": {"Effect": "Allow", "Action": "s3:GetBucketLocation", "Resource": "*"},
        }
    )
    role = office.server.setup.role
    office.iam.put_role_policy(RoleName=role, PolicyName="theirs", PolicyDocument=own)
    office.revoke("lease", office.vend(ttl=1700).lease)
    assert office.inline_policies()["theirs"] == json.loads(own)


@pytest.mark.parametrize(
    ("kind", "target"), [("lease", ""), ("lease", "0" * 24), ("location", "nonsense")]
)
def test_what_is_not_there_or_not_said_is_refused(
    office: Office, kind: Target, target: str
) -> None:
    with pytest.raises((InvalidRequest, NotFound)):
        office.revoke(kind, target)


def test_everything_before_now_is_called_back_and_later_sessions_work(office: Office) -> None:
    sessions = [office.vend(), office.vend(ttl=1800), office.vend(owner=True)]
    assert all(session.reads() for session in sessions)
    (revocation,) = office.revoke("integration", office.server.integration.id).revocations
    assert (revocation.proof or "").startswith("Proven")
    assert not any(session.reads() for session in sessions)
    assert office.vend().reads()
