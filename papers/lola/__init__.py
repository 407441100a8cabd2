"""Learning with Opponent-Learning Awareness (Foerster et al. 2018, arXiv:1709.04326), run again and compared."""

from .. import Target

__all__ = ["TARGETS", "TITLE"]

TITLE = "LOLA (Foerster et al. 2018, arXiv:1709.04326)"

TARGETS = (Target("lola-table3", f"{__name__}.table3", "tit-for-tat and returns of exact naive learning and LOLA", 50),)
