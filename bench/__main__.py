"""``python -m bench``: measure, print ``name value unit``, write ``bench/results.json``."""

from __future__ import annotations

import json
from pathlib import Path

from bench import presign


def main() -> None:
    """Run every figure."""
    ours, theirs = presign.measure()
    figures = [
        {
            "name": "presign_ratio",
            "value": round(ours / theirs, 2),
            "unit": "ratio",
            "yardstick": "boto3 generate_presigned_url",
        },
        {"name": "presign_urls", "value": round(ours), "unit": "1/s", "yardstick": "none"},
    ]
    for figure in figures:
        print(figure["name"], figure["value"], figure["unit"])
    results = Path(__file__).with_name("results.json")
    results.write_text(json.dumps({"figures": figures}, indent=2) + "\n")


if __name__ == "__main__":
    main()
