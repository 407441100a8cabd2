"""What the learners on sampled trajectories share: networks, sampling, estimators, the lookahead, device placement.

May import `algorithms.base`, the contract of a game and option checks; never a plug-in, a concrete game or the runner.
"""
