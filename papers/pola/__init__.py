"""Proximal Learning With Opponent-Learning Awareness (Zhao et al. 2022, arXiv:2210.10125), run again and compared."""
