"""Benchmarks: learners on shared games, trained and scored in one way, with intervals over seeds."""
