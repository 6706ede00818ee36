"""Engines that work a sync's shards off on other machines than the server's."""
