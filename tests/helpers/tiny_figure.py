"""Figure 4 of the POLA paper with a naive learner of two hidden units in place of the paper's three."""

from functools import partial

from polax.papers.pola import sampled
from polax.papers.pola.published import Score

TINY = {"num_envs": 16, "hidden_size": 2, "players": "two"}
sampled.SCORES = {("figure4", "naive", "co-play"): Score(0.3)}
sampled._AS_PUBLISHED = TINY
sampled.resolve = partial(sampled.resolve, updates=2, eval_envs=4)
figure4 = sampled.figure4
