"""The rules of Valetkey: standard library only, synchronous, no I/O.

Clock and randomness are passed in; nothing here reads the environment, the network or a file.
"""
