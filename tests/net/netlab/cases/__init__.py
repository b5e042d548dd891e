"""The cases of the lab, in groups that share a network."""
from . import changes, families, matrix, setup, ways

GROUPS = [*matrix.GROUPS, *ways.GROUPS, *setup.GROUPS, *families.GROUPS, *changes.GROUPS]
