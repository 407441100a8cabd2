"""Stable Opponent Shaping in Differentiable Games (Letcher et al. 2019, arXiv:1811.08469), run again and compared."""

from .. import Target

__all__ = ["TARGETS", "TITLE"]

TITLE = "SOS (Letcher et al. 2019, arXiv:1811.08469)"

TARGETS = (
    Target("sos-tandem", f"{__name__}.curves", "losses of every rule in the tandem game", 50),
    Target("sos-ipd", f"{__name__}.curves", "losses of every rule in the iterated prisoner's dilemma", 50),
    Target(
        "map",
        f"{__name__}.basins",
        "where each rule goes from a grid of starts",
        10_000,
        env="IPD-v0",
        algorithms=("naive-exact", "lola-exact", "lookahead-exact", "sos-exact"),
    ),
)
