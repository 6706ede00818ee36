"""Datasets: an index over a driver's objects, and the syncs that keep it true to the bucket."""

from valetkey.services.datasets.datasets import Datasets

__all__ = ["Datasets"]
