"""Benchmarks that print ratios: the product beside the floor it stands on, measured in the same run.

May import everything; nothing imports it. No figure stands alone: what a shared machine does to one side it does to the
other, so the two take turns and medians are compared.
"""
