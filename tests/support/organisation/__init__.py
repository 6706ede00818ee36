"""An organisation, its owner, and people who try everything: the rules of a state machine.

``acting`` is what all of it stands on, ``asking`` holds what somebody gets against the ledger; each
of the others is what people do with one kind of thing. ``tests/property/test_nobody_gets_more.py``
puts them together.
"""
