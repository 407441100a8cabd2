"""LOQA and Advantage Alignment in the coin game, run again and compared with LOQA's public league."""

from .. import Target

__all__ = ["TARGETS", "TITLE"]

TITLE = "LOQA (Aghajohari et al. 2024, arXiv:2405.01035) and Advantage Alignment (Duque et al. 2024, arXiv:2406.14662)"

TARGETS = (
    Target(
        "loqa-league",
        f"{__name__}.league",
        "LOQA, Advantage Alignment and goodwill LOQA in the coin game, seed by seed",
        10,
        ("laptop", "published"),
    ),
    Target("loqa-ablation", f"{__name__}.ablation", "the same learners with their parts left out", 10, ("laptop",)),
    Target("loqa-scalability", f"{__name__}.scalability", "time to LOQA's thresholds by grid size", 3, ("laptop",)),
)
