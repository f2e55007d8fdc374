"""What works, and stays."""

import unittest

from intervals import covered, intersect, merge


class MergeTest(unittest.TestCase):
    def test_those_that_overlap_or_touch_become_one(self):
        self.assertEqual(merge([(5, 9), (1, 3), (3, 4), (8, 12)]), [(1, 4), (5, 12)])

    def test_empty_ones_are_left_out(self):
        self.assertEqual(merge([(4, 4), (1, 2)]), [(1, 2)])

    def test_of_nothing_comes_nothing(self):
        self.assertEqual(merge([]), [])


class IntersectTest(unittest.TestCase):
    def test_what_is_in_both(self):
        self.assertEqual(intersect([(1, 5), (8, 12)], [(3, 9)]), [(3, 5), (8, 9)])

    def test_far_apart_they_share_nothing(self):
        self.assertEqual(intersect([(1, 2)], [(5, 6)]), [])


class CoveredTest(unittest.TestCase):
    def test_an_overlap_counts_once(self):
        self.assertEqual(covered([(1, 4), (3, 6), (10, 11)]), 6)
