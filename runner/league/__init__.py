"""The league: learners trained in several games, and every seed of each against all others and every strategy.

It may import the benchmark, which trains and scores, and the tournament, which plays.
"""
