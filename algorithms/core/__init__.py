"""What the learners on sampled trajectories share: networks, estimators, lookahead. May import `envs.base`."""
