"""Scripted policies, and the engines that let policies play games. May import `envs.base` and the registry."""
