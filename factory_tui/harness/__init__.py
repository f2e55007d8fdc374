"""Floor 3: the holdout: scenarios, trajectories, verdicts, satisfaction, feedback.

Expectations stay in this process; a trajectory's cell receives concrete inputs only.
"""
