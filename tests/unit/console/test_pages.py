from __future__ import annotations

import html
import re
from datetime import timedelta

import pytest

from support.console import Visitor, visitor_of
from support.memory import KEY, ROLE, Memory
from valetkey.domain.access import ProjectRole
from valetkey.domain.grants import SubjectKind
from valetkey.domain.scope import parse_levels
from valetkey.domain.setup.observed import ObservedKey
from valetkey.services.grants import NewGrant
from valetkey.testing import FakeAccessKeys

PAGES = (
    "",
    "/integrations",
    "/locations",
    "/credentials",
    "/audit",
    "/people",
    "/tokens",
    "/projects",
    "/leases",
)
GOVERNANCE = ("/integrations", "/locations", "/audit")
HOSTILE = "\"><script>alert(1)</script><img src=x onerror=alert(1)>'{{7*7}}"


@pytest.mark.parametrize("path", PAGES)
async def test_a_page_can_neither_be_framed_nor_run_foreign_or_inline_script(
    owner: Visitor, path: str
) -> None:
    response = await owner.get(path)
    policy = response.headers["content-security-policy"]
    assert response.status_code == 200
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert response.headers["x-frame-options"] == "DENY"
    assert response.headers["cache-control"] == "no-store"
    assert not re.search(r"<script(?! src=)|<style|\sstyle=|\son\w+=", response.text)


async def test_everything_that_the_first_page_loads_is_below_100_kilobytes(
    owner: Visitor,
) -> None:
    page = await owner.get("")
    total = len(page.content)
    for address in set(re.findall(r'(?:src|href)="(/console/static/[^"]+)"', page.text)):
        asset = await owner.http.get(address)
        assert "immutable" in asset.headers["cache-control"]
        total += len(asset.content)
    assert total < 100_000


async def test_files_are_the_four_that_there_are(visitor: Visitor) -> None:
    for name in ("nothing.js", "README.md", "..%2fapp.py"):
        assert (await visitor.get(f"/static/x/{name}")).status_code == 404


async def test_an_annotator_is_offered_no_governance_page_and_is_refused_each(
    memory: Memory,
) -> None:
    await memory.location()
    await memory.member("joan@example.com", ProjectRole.ANNOTATOR)
    joan = visitor_of(memory)
    await joan.sign_in("joan@example.com")
    overview = (await joan.get("")).text
    for path in GOVERNANCE:
        assert f'href="/console{path}"' not in overview
        refused = await joan.get(path)
        assert refused.status_code == 403
        assert "<h1>Not yours to do</h1>" in refused.text


@pytest.mark.parametrize("role", [ProjectRole.ANNOTATOR, None])
async def test_who_has_a_grant_alone_gets_credentials_of_what_was_granted_and_of_nothing_else(
    memory: Memory, role: ProjectRole | None
) -> None:
    location, owner = await memory.location(), await memory.caller()
    other = await memory.location("private")
    await memory.member("joan@example.com", role)
    joan = visitor_of(memory)
    await joan.sign_in("joan@example.com")
    assert "Nobody has granted you any" in (await joan.get("/credentials")).text
    levels, short = parse_levels(["read"]), timedelta(minutes=15)
    new = NewGrant(SubjectKind.USER, "joan@example.com", ("a/",), levels, short)
    await memory.services.grants.create(owner, location.id, new)
    assert 'href="/console/credentials"' in (await joan.get("")).text
    page = (await joan.get("/credentials")).text
    assert location.id in page
    assert other.id not in page
    form = {"location": location.id, "folders": "a/", "access": "read", "ttl": ""}
    vended = await joan.post("/credentials", form)
    assert f"Credentials for {location.name}" in vended.text
    assert "--ttl" not in vended.text
    wider_ones = {"ttl": "3600"}, {"folders": ""}, {"location": other.id}, {"location": other.name}
    for wider in wider_ones:
        refused = await joan.post("/credentials", form | wider)
        assert "Credentials for" not in refused.text
        assert refused.status_code >= 400


async def test_a_developer_is_offered_locations_and_credentials_but_no_integrations(
    memory: Memory,
) -> None:
    await memory.member("grace@example.com", ProjectRole.DEVELOPER)
    grace = visitor_of(memory)
    await grace.sign_in("grace@example.com")
    overview = (await grace.get("")).text
    assert 'href="/console/locations"' in overview
    assert 'href="/console/credentials"' in overview
    for path in ("/integrations", "/audit"):
        assert f'href="/console{path}"' not in overview
        assert (await grace.get(path)).status_code == 403


async def test_a_page_that_is_not_there_is_a_page_that_says_so(owner: Visitor) -> None:
    response = await owner.get("/nowhere")
    assert response.status_code == 404
    assert response.headers["content-type"].startswith("text/html")


async def test_the_servers_address_leads_to_the_console(visitor: Visitor) -> None:
    assert (await visitor.http.get("/")).headers["location"] == "/console"


async def test_an_integrations_secret_is_never_sent_back(owner: Visitor) -> None:
    key, secret = KEY
    form = {"type": "aws-sts", "name": "aws", "key": key, "role_arn": ROLE}
    texts = []
    for changed in ({}, {"name": ""}, {"role_arn": "wrong"}, {"key": "wrong"}):
        answer = await owner.post("/integrations", form | {"secret": secret.reveal()} | changed)
        texts.append(answer.text)
    made = re.search(r"/integrations/([0-9a-f]{24})/verify", texts[0])
    assert made
    page = f"/integrations/{made.group(1)}"
    texts += [(await owner.get(path)).text for path in ("/integrations", page, "/audit", "")]
    for path, more in (
        (f"/integrations/{made.group(1)}/verify", {}),
        (f"/integrations/{made.group(1)}/repair", {"key": key, "secret": secret.reveal()}),
        ("/check/secret", {"field": "secret", "secret": secret.reveal() + "!"}),
        ("/guide/watch", form | {"secret": secret.reveal()}),
    ):
        texts.append((await owner.post(path, more)).text)
    assert not [text for text in texts if secret.reveal() in html.unescape(text)]


async def test_a_refused_form_says_so_beside_the_field_and_keeps_what_was_typed(
    owner: Visitor,
) -> None:
    key, secret = KEY
    form = {"type": "aws-sts", "name": "aws", "key": key, "secret": secret.reveal()}
    answer = await owner.post("/integrations", form | {"role_arn": "arn:aws:iam::1:user/x"})
    assert answer.status_code == 422
    assert answer.headers["hx-retarget"] == "#role_arn-error"
    assert "it is a user&#39;s" in answer.text


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        ("name", "", ""),
        ("name", "aws", ""),
        ("key", "ASIA" + "A" * 16, "temporary key"),
        ("key", KEY[0], ""),
        ("secret", "short", "not a secret access key"),
        ("secret", KEY[1].reveal() + "\n", "white space"),
        ("role", "arn:aws:iam::123456789012:role/x", ""),
        ("role", "arn:aws:iam::123456789012:user/x", "not the ARN"),
        ("account", "1234-5678-9012", ""),
        ("account", "12345", "not an AWS account id"),
        ("bucket", "s3://acme", "an address"),
        ("folder", "/a", "starts with"),
        ("region", "Frankfurt", "not an AWS region"),
        ("user-name", "a b", "name of an IAM user"),
        ("email", "ada", "not an e-mail address"),
        ("password", "short", "length"),
    ],
)
async def test_a_field_is_looked_at_while_one_types(
    owner: Visitor, kind: str, text: str, expected: str
) -> None:
    answer = await owner.post(f"/check/{kind}", {"field": "it", "it": text})
    assert answer.status_code == 200
    assert expected in answer.text
    assert bool(answer.text.strip()) is bool(expected)


async def test_the_guide_writes_typed_names_into_every_document(owner: Visitor) -> None:
    form = {"account": "210987654321", "bucket": "acme-images", "folder": "a*b", "role": "Reader"}
    answer = html.unescape((await owner.post("/guide", form)).text)
    assert '"AWS": "arn:aws:iam::210987654321:user/valetkey-user"' in answer
    assert '"Resource": "arn:aws:iam::210987654321:role/Reader"' in answer
    assert "arn:aws:s3:::acme-images/a${*}b/*" in answer


async def test_the_guide_says_what_is_wrong_with_a_name_and_puts_it_nowhere(
    owner: Visitor,
) -> None:
    answer = (await owner.post("/guide", {"bucket": HOSTILE})).text
    assert "can&#39;t be the name of a bucket" in answer
    assert "<script" not in answer


async def test_the_template_is_downloaded_with_the_names_in_it(owner: Visitor) -> None:
    answer = await owner.get("/guide/cloudformation?bucket=acme-images")
    assert answer.json()["Parameters"]["BucketName"]["Default"] == "acme-images"
    assert "attachment" in answer.headers["content-disposition"]


async def test_text_that_people_typed_stays_text_on_every_page(owner: Visitor) -> None:
    key, secret = KEY
    name = HOSTILE[:99]
    form = {"type": "aws-sts", "key": key, "secret": secret.reveal(), "role_arn": ROLE}
    await owner.post("/integrations", form | {"name": name})
    services, caller = owner.memory.services, await owner.memory.caller()
    integration = (await services.integrations.of_org(caller, owner.memory.org_id))[0]
    location = {"name": name, "integration": integration.id, "bucket": "acme"}
    made = await owner.post("/locations", location | {"project": owner.memory.project.id})
    location_id = re.findall(r"/locations/([0-9a-f]{24})/test", made.text)[0]
    await owner.post("/projects", {"project-name": name})
    texts = [(await owner.post("/tokens", {"description": name, "days": "30"})).text]
    order = {"location": location_id, "folders": HOSTILE, "access": "list", "purpose": HOSTILE}
    texts.append((await owner.post("/credentials", order | {"ttl": "3600"})).text)
    paths = (
        *PAGES,
        f"/integrations/{integration.id}",
        f"/integrations/{integration.id}/delete",
        f"/locations/{location_id}/delete",
        f"/locations/{location_id}/test",
        "/locations/new",
    )
    texts += [(await owner.get(path)).text for path in paths]
    texts.append((await owner.post(f"/integrations/{integration.id}/verify")).text)
    texts.append((await owner.post(f"/locations/{location_id}/test")).text)
    assert sum("&lt;script&gt;" in text for text in texts) > 10
    for text in texts:
        assert "<script>" not in text
        assert "<img src=x" not in text


@pytest.mark.parametrize(
    "path",
    [
        "/audit?actor={}&action={}&subject={}&outcome={}",
        "/people/members/remove?email={}",
        "/people?q={}&page={}",
        "/leases/revoke?kind=principal&target={}&name={}",
        "/tokens?after={}",
        "/credentials?location={}",
        "/locations?new={}",
        "/locations/new?integration={}",
        "/people?done={}",
        "/nowhere/{}",
        "/signin?next={}",
    ],
)
async def test_an_addresss_text_is_never_reflected_as_markup(owner: Visitor, path: str) -> None:
    quoted = "%22%3E%3Cscript%3Ealert(1)%3C%2Fscript%3E"
    text = (await owner.get(path.replace("{}", quoted))).text
    assert "<script>" not in text
    assert '"><script' not in text


async def test_a_key_that_was_entered_anew_is_in_use_since_then(owner: Visitor) -> None:
    memory = owner.memory
    integration, caller = await memory.integration(), await memory.caller()
    memory.clock.advance(100 * 86_400)
    await owner.sign_in()
    page = f"/integrations/{integration.id}"
    assert "100 days" in (await owner.get(page)).text
    name = {"name": "renamed"}
    assert (await owner.post(f"{page}/rename", name)).status_code == 200
    assert "100 days" in (await owner.get(page)).text
    form = {"key": "AKIA" + "B" * 16, "secret": "s" * 40}
    assert (await owner.post(f"{page}/repair?in=page", form)).status_code == 200
    assert "0 days" in (await owner.get(page)).text.replace("100 days", "")
    assert "100 days" not in (await owner.get("/integrations")).text
    memory.clock.advance(86_400)
    held = await memory.services.integrations.get(caller, integration.id)
    assert held.key_since == memory.clock.now() - timedelta(days=1)


async def test_a_rotation_that_does_not_get_on_is_cancelled_from_the_page(owner: Visitor) -> None:
    memory = owner.memory
    integration, caller = await memory.integration(), await memory.caller()
    keys = memory.parts.access_keys
    assert isinstance(keys, FakeAccessKeys)
    known = ObservedKey(KEY[0], active=True, created_at=memory.clock.now())
    keys.users = {"arn:aws:iam::000000000000:user/fake": {KEY[0]: known}}
    await memory.services.rotations.start(caller, integration.id)
    page = f"/integrations/{integration.id}"
    assert "Cancel the rotation" in (await owner.get(page)).text
    await owner.post(f"{page}/rotation/cancel", part=False)
    for _ in range(2):  # before the switch the new key is taken back first, or left as it is
        status = await memory.services.rotations.status(caller, integration.id)
        if status.rotation is not None and not status.rotation.is_over:
            await memory.services.rotations.cancel(caller, integration.id)
    assert "Cancel the rotation" not in (await owner.get(page)).text
    held = await memory.services.integrations.get(caller, integration.id)
    assert held.access_key_id == KEY[0]


@pytest.mark.parametrize("path", ["/integrations/new", "/locations/new", "/datasets/new"])
async def test_a_panels_own_address_is_a_whole_page(owner: Visitor, path: str) -> None:
    page = await owner.get(path)
    assert page.text.startswith("<!doctype html>")
    assert "<dialog" in page.text
    name = path.split("/")[1].capitalize()
    assert page.text.count("<h1>") == 1
    assert f"<h1>{name}</h1>" in page.text
    assert f"<title>{name} · Valetkey</title>" in page.text
    part = await owner.get(path, headers={"HX-Request": "true"})
    assert "<html" not in part.text
