"""Learners: the contract in `base`, one module a plug-in beside it, shared parts in `core`, exact learning in `exact`.

May import the contract of a game (`envs.base`) and option checks. A plug-in imports no other plug-in.
"""
