"""Settings of the whole suite."""

import os
from pathlib import Path

_CACHE = Path(__file__).resolve().parent.parent / ".jax_cache"

# What a test compiles is kept for the next run; set before jax is first imported, and inherited by subprocesses.
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(_CACHE))
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0.3")
os.environ.setdefault("MPLBACKEND", "Agg")
