"""Scores of trained players against each other and against strategies. May import `runner.runs`."""
