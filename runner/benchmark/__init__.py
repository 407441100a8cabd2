"""Benchmarks: learners on shared games, trained and scored identically, with intervals over seeds."""
