"""Rotation of an integration's access key. ``steps`` take one step, ``proof`` proves a new key,
``rotations`` starts, resumes and schedules."""

from valetkey.services.rotation.rotations import Rotations, RotationStatus

__all__ = ["RotationStatus", "Rotations"]
