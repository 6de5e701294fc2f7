"""``publisher demo``: the whole service on the example, against simulated department systems.

They run on loopback, and all their data are made up.
"""
