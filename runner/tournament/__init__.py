"""Tournaments: every player against every player, with measures of each of them."""
