"""Syncs on a real Ray cluster: the tests of ``tests/cluster``, in namespaces of their own."""

from __future__ import annotations

import importlib.util

import pytest

from support.commands import ROOT
from support.namespace import run_inside, skip_where_not_permitted

#: Ray's tests end within this, whatever hangs, and each of them within a part of it. Alone on two
#: cores they take a quarter.
SECONDS, EACH = 900, 600


# A cluster at a time: one is many processes, and Ray's own limits are for idle machines.
@pytest.mark.xdist_group("ray")
@pytest.mark.timeout(SECONDS + 60)
@pytest.mark.parametrize("what", ["engines losses troubles", "guide"])
def test_a_ray_cluster_does_syncs_as_the_server_does_and_outlives_what_dies(what: str) -> None:
    if importlib.util.find_spec("ray") is None:
        pytest.skip("Ray is not installed: pip install 'valetkey[ray]'")
    skip_where_not_permitted()
    words = ("pytest", "-v", "-x", "-p", "no:cacheprovider", "--durations=0", f"--timeout={EACH}")
    files = [f"tests/cluster/test_{name}.py" for name in what.split()]
    ran = run_inside((*words, *files), SECONDS, ROOT)
    assert ran.returncode == 0, ran.stdout[-20_000:]
