"""An AWS stand-in for the demo and the tests."""
