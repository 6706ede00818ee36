"""Handing credentials over to programs that know nothing of Valetkey.

``exec`` and ``agent`` serve them on loopback, in the form that AWS's SDKs fetch from a container;
``cache`` keeps them on disk for ``credential_process``, which every new process runs again.
"""
