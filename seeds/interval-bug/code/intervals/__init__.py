"""Intervals of whole numbers that have their start and not their end."""

from intervals.sets import covered, intersect, merge

__all__ = ["covered", "intersect", "merge"]
