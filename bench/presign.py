"""How many URLs a second Valetkey signs, beside boto3's generate_presigned_url."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import boto3
from botocore.config import Config

from valetkey.domain.credentials import TemporaryCredentials
from valetkey.domain.presign import Method, presigner
from valetkey.domain.secret import Secret

REGION = "eu-central-1"
ROUNDS = 5
#: As long as STS's session tokens are.
TOKEN = "IQoJb3JpZ2luX2Vj" + "A1b2/+" * 100

_HOUR = timedelta(hours=1)


def measure() -> tuple[float, float]:
    """Return URLs a second: Valetkey's and boto3's, the best of interleaved rounds each."""
    now = datetime.now(UTC)
    session = TemporaryCredentials("ASIABENCH", Secret("s" * 40), Secret(TOKEN), now + _HOUR)
    signer = presigner(
        session,
        bucket_url=f"https://bucket.s3.{REGION}.amazonaws.com",
        region=REGION,
        method=Method.GET,
        expires=timedelta(minutes=5),
        now=now,
    )
    client = boto3.client(
        "s3",
        region_name=REGION,
        aws_access_key_id=session.access_key_id,
        aws_secret_access_key=session.secret_access_key.reveal(),
        aws_session_token=TOKEN,
        config=Config(signature_version="s3v4", s3={"addressing_style": "virtual"}),
    )

    def yardstick(key: str) -> str:
        made: str = client.generate_presigned_url(
            "get_object", Params={"Bucket": "bucket", "Key": key}, ExpiresIn=300
        )
        return made

    rounds = [(_rate(signer.url, 50_000), _rate(yardstick, 1_000)) for _ in range(ROUNDS)]
    return max(ours for ours, _ in rounds), max(theirs for _, theirs in rounds)


def _rate(sign: Callable[[str], str], count: int) -> float:
    start = time.perf_counter()
    for number in range(count):
        sign(f"train/images/{number:08d}.jpg")
    return count / (time.perf_counter() - start)
