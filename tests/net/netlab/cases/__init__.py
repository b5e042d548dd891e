"""The cases of the lab, in groups that share a network."""
from . import calls, changes, families, matrix, setup, ways

GROUPS = [*matrix.GROUPS, *ways.GROUPS, *setup.GROUPS, *families.GROUPS, *changes.GROUPS, *calls.GROUPS]
