"""Test doubles of the ports, for our tests and for users': in memory, and honest about it.

They hold no secrets safely and are for tests only. The contract suite runs over them as well as
over the real adapters, so that they can't drift away.
"""

from valetkey.testing.aws import FakeSts
from valetkey.testing.iam import FakeAccessKeys, FakeRolePolicies
from valetkey.testing.objects import FakeObjectStore
from valetkey.testing.storage import MemoryStorage
from valetkey.testing.system import ManualClock, SeededEntropy, UnsafePasswords, UnsafeSealer

__all__ = [
    "FakeAccessKeys",
    "FakeObjectStore",
    "FakeRolePolicies",
    "FakeSts",
    "ManualClock",
    "MemoryStorage",
    "SeededEntropy",
    "UnsafePasswords",
    "UnsafeSealer",
]
