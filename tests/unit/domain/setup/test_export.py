from __future__ import annotations

import json
import re
import shlex
from itertools import pairwise
from typing import Any

import pytest

from support.setup_states import ACCOUNT, make_desired, make_spec
from valetkey.domain.setup import SetupSpec, policies
from valetkey.domain.setup.export import FORMATS, cloudformation, policy_json, terraform

#: A folder with every letter that one of the tools reads as its own.
NASTY = 'a b/$x/${y}/%{z}/it\'s "q"/`w`/\\u0001bucket\\u0002/é日'
NASTY_SPEC = SetupSpec("valetkey", "acme-data", "eu-central-1", folder=NASTY, revocation=True)


def resolved(value: Any, names: dict[str, str]) -> Any:
    """Do what CloudFormation does with Ref and Fn::Sub."""
    if isinstance(value, dict) and set(value) == {"Ref"}:
        return names.get(value["Ref"], value)
    if isinstance(value, dict) and set(value) == {"Fn::Sub"}:
        filled = re.sub(r"\$\{([^!}][^}]*)\}", lambda m: names[m[1]], value["Fn::Sub"])
        return filled.replace("${!", "${")
    if isinstance(value, dict):
        return {name: resolved(inner, names) for name, inner in value.items()}
    if isinstance(value, list):
        return [resolved(inner, names) for inner in value]
    return value


STACK = {
    "AWS::AccountId": ACCOUNT,
    "AWS::Partition": "aws",
    "BucketName": "acme-data",
    "UserName": "valetkey-user",
    "RoleName": "valetkey-role",
    "PolicyName": "valetkey-s3",
}


@pytest.mark.slow
@pytest.mark.parametrize("spec", [make_spec(), make_spec(revocation=True), NASTY_SPEC])
def test_the_cloudformation_template_passes_cfn_lint(spec: SetupSpec) -> None:
    from cfnlint.api import lint_all  # noqa: PLC0415  # half a second of every process of the tests

    matches = lint_all(cloudformation(spec))
    # Its informational rules (I...) are suggestions, which cfn-lint itself does not show.
    assert [str(match) for match in matches if not match.rule.id.startswith("I")] == []


@pytest.mark.parametrize("spec", [make_spec(revocation=True), NASTY_SPEC])
def test_the_template_makes_the_documents_that_apply_puts(spec: SetupSpec) -> None:
    desired = spec.resolve(account=ACCOUNT, partition="aws")
    resources = resolved(json.loads(cloudformation(spec))["Resources"], STACK)
    access = resources["AccessPolicy"]["Properties"]["PolicyDocument"]
    assert access == policies.bucket_access(desired)
    role = resources["Role"]["Properties"]
    assert role["AssumeRolePolicyDocument"] == policies.trust(desired)
    inline = {
        resource["Properties"]["PolicyName"]: resource["Properties"]["PolicyDocument"]
        for resource in resources.values()
        if resource["Type"] == "AWS::IAM::UserPolicy"
    }
    assert inline == policies.user_policies(desired)


def test_a_stack_that_goes_leaves_the_bucket() -> None:
    bucket = json.loads(cloudformation(make_spec()))["Resources"]["Bucket"]
    assert bucket["DeletionPolicy"] == "Retain"


def terraform_text(value: str, names: dict[str, str]) -> str:
    """Do what Terraform does with a template string."""
    filled = re.sub(r"(?<!\$)\$\{([a-z_.]+)\}", lambda m: names[m[1]], value)
    return filled.replace("$${", "${").replace("%%{", "%{")


VALUES = {
    "var.bucket_name": "acme-data",
    "var.user_name": "valetkey-user",
    "var.role_name": "valetkey-role",
    "var.policy_name": "valetkey-s3",
    "data.aws_caller_identity.current.account_id": ACCOUNT,
    "data.aws_partition.current.partition": "aws",
}


@pytest.mark.parametrize("spec", [make_spec(revocation=True), NASTY_SPEC])
def test_terraform_makes_the_documents_that_apply_puts(spec: SetupSpec) -> None:
    desired = spec.resolve(account=ACCOUNT, partition="aws")
    resource = json.loads(terraform(spec))["resource"]

    def document(text: str) -> Any:
        return json.loads(terraform_text(text, VALUES))

    access = resource["aws_iam_policy"]["valetkey"]["policy"]
    assert document(access) == policies.bucket_access(desired)
    trust = resource["aws_iam_role"]["valetkey"]["assume_role_policy"]
    assert document(trust) == policies.trust(desired)
    inline = {
        part["name"]: document(part["policy"]) for part in resource["aws_iam_user_policy"].values()
    }
    assert inline == policies.user_policies(desired)


def test_every_reference_in_terraform_is_to_something_declared() -> None:
    configuration = json.loads(terraform(make_spec(revocation=True)))
    declared = {f"var.{name}" for name in configuration["variable"]}
    for kind, group in configuration["resource"].items():
        declared |= {f"{kind}.{name}" for name in group}
    for kind, group in configuration["data"].items():
        declared |= {f"data.{kind}.{name}" for name in group}
    text = json.dumps([configuration["resource"], configuration["output"]])
    references = re.findall(r"(?<!\$)\$\{([a-z_0-9.]+)\}", text)
    assert references
    for reference in references:
        assert reference in declared or reference.rsplit(".", 1)[0] in declared
    depends = configuration["resource"]["aws_iam_role"]["valetkey"]["depends_on"]
    assert set(depends) <= declared


@pytest.mark.parametrize("name", ["cloudformation", "terraform-json"])
def test_no_key_is_made_where_its_secret_would_lie_in_a_state_file(name: str) -> None:
    text = FORMATS[name](make_spec())
    assert "AWS::IAM::AccessKey" not in text
    assert "aws_iam_access_key" not in text


def test_policy_json_without_an_account_shows_where_its_id_goes() -> None:
    documents = json.loads(policy_json(make_spec()))
    inline = documents["user valetkey-user, inline policy valetkey-assume-role"]
    assert inline["Statement"]["Resource"] == "arn:aws:iam::<YourAWSAccountId>:role/valetkey-role"


def test_policy_json_has_each_document_once() -> None:
    desired = make_desired(revocation=True)
    documents = json.loads(policy_json(make_spec(revocation=True), account=ACCOUNT))
    assert list(documents.values()) == [
        policies.bucket_access(desired),
        *policies.user_policies(desired).values(),
        policies.trust(desired),
    ]


def test_the_script_is_shell_without_open_ends() -> None:
    text = FORMATS["aws-cli"](NASTY_SPEC)
    assert "\x01" not in text
    commands = [line for line in text.splitlines() if not line.startswith("#")]
    words = shlex.split("\n".join(commands), comments=False)
    documents = [
        word.replace("$PARTITION", "aws").replace("$ACCOUNT", ACCOUNT)
        for option, word in pairwise(words)
        if option == "--policy-document"
    ]
    assert json.loads(documents[0].replace("$BUCKET", "acme-data")) == policies.bucket_access(
        NASTY_SPEC.resolve(account=ACCOUNT, partition="aws")
    )


def test_every_format_can_be_had() -> None:
    assert set(FORMATS) == {"cloudformation", "terraform-json", "aws-cli", "policy-json"}
    assert all(render(make_spec()) for render in FORMATS.values())
