"""The data catalog: datasets and items, an index over the objects of locations.

A product of its own on top of the broker, and a client of it: it asks for credentials as anybody
does. It may import the broker's services and domain; nothing of the broker imports it."""
