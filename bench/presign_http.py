"""URLs a second through HTTP, as lines of JSON, beside boto3's in process."""

from __future__ import annotations

import time

from bench import load
from bench.figures import Figure
from bench.installation import Installation

KEYS = 100_000
ROUNDS = 3


def figure(made: Installation, boto3_rate: float) -> Figure:
    """Ask for as many URLs as one request may, a few times; the best counts."""
    payload = made.presign([f"train/images/{number:08d}.jpg" for number in range(KEYS)])
    best = 0.0
    for _ in range(ROUNDS):
        start = time.perf_counter()
        answer = load.ask(made.serving.port, payload)
        best = max(best, KEYS / (time.perf_counter() - start))
        assert answer.count(b"X-Amz-Signature=") == KEYS
    return Figure(
        "presign_http_ratio",
        round(best / boto3_rate, 2),
        "ratio",
        f"boto3 generate_presigned_url: {boto3_rate:.0f} URLs/s; ours {best:.0f}",
    )
