"""Loggers: functions that make a `Callback` for a run. Each is declared as an entry point of ``polax.loggers``."""
