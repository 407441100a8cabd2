"""Proximal Learning With Opponent-Learning Awareness (Zhao et al. 2022, arXiv:2210.10125), run again and compared."""

from .. import Target

__all__ = ["TARGETS", "TITLE"]

TITLE = "POLA (Zhao et al. 2022, arXiv:2210.10125)"

_EXACT, _SAMPLED = f"{__name__}.exact", f"{__name__}.sampled"
_SCALES = ("published", "laptop")

TARGETS = (
    Target("figure1", _EXACT, "one update of LOLA and POLA on two networks that are one policy", 1),
    Target("figure3", _EXACT, "how often exact LOLA and POLA find tit-for-tat", 20),
    Target("figure4", _SAMPLED, "learning curves of POLA and LOLA in the iterated prisoner's dilemma", 10, _SCALES),
    Target("figure5", _SAMPLED, "learning curves of POLA and LOLA in the coin game", 10, _SCALES),
    Target(
        "course",
        f"{__name__}.course",
        "the course of POLA-DiCE's learning at a small setting, update by update",
        10,
        ("small",),
    ),
    Target("table1", _EXACT, "the policies that exact naive learning, LOLA and POLA end with", 20),
    Target("table2", _EXACT, "the same with models of the opponent", 20),
    Target("search", f"{__name__}.search", "rates for the settings in which the paper found none", 20),
)
