"""What the runner's tests call."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from polax.runner.runs import checkpoint
from polax.runner.runs.folder import RunFolder
from polax.runner.runs.spec import build
from polax.runner.training.seeds import make_learner, seed_keys

HERE = Path(__file__).resolve().parent


def final_state(folder: RunFolder, update: int) -> list[np.ndarray]:
    """Return the leaves of a run's state at one checkpoint, keys among them as numbers."""
    spec = folder.spec()
    template = make_learner(build(spec).algorithm).template(seed_keys(spec.seeds).init)
    return to_arrays(checkpoint.load(folder.checkpoints, update, template).state)


def to_arrays(state: Any) -> list[np.ndarray]:
    """Return the leaves of a state, keys among them as numbers."""
    return [
        np.asarray(jax.random.key_data(leaf) if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key) else leaf)
        for leaf in jax.tree.leaves(state)
    ]


def without_time(folder: RunFolder) -> list[dict[str, Any]]:
    """Return the lines of metrics.jsonl without the seconds."""
    return [{name: value for name, value in row.items() if name != "seconds"} for row in folder.metrics()]


def command(*words: str, first: str = "pass", **environment: str) -> subprocess.Popen[str]:
    """Start ``polax`` in a process of its own; ``first`` is Python that it runs once it can answer signals."""
    program = f"import sys; from polax.runner.cli import main; {first}; sys.exit(main())"
    path = os.pathsep.join([str(HERE), *filter(None, [os.environ.get("PYTHONPATH")])])
    return subprocess.Popen(
        [sys.executable, "-c", program, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": path, **environment},
    )


def edit_json(path: Path, **changes: Any) -> None:
    """Change some entries of a JSON file."""
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def style_complaints(package: Path, *ignored: str) -> str:
    """Return what polax's own style finds to say about a package that was written; empty where nothing.

    Args:
        package: its folder.
        *ignored: rules that do not apply to it.
    """
    config = str(HERE.parents[1] / "pyproject.toml")
    said = ""
    for check in (["check", "--ignore", ",".join(ignored)], ["format", "--check"]):
        words = [sys.executable, "-m", "ruff", *check, "--config", config, str(package)]
        done = subprocess.run(words, capture_output=True, text=True)
        said += done.stdout + done.stderr if done.returncode else ""
    return said
