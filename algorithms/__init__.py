"""Learners: the contract in `base`, one module for each plug-in, shared parts beside them."""
