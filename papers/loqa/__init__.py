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
)
