"""Run JavaScript outside a browser."""

import json
import shutil
import subprocess
from typing import Any

import numpy as np
import pytest
from polax.envs.base import PageProgram

NODE = shutil.which("node")
needs_node = pytest.mark.skipif(NODE is None, reason="node is not installed; the tests in a browser run the same code")


def evaluate(expression: str, **data: Any) -> Any:
    """Return the value of an expression in which the names of ``data``, which JSON can hold, are known."""
    program = f"const {{{', '.join(data)}}} = JSON.parse(require('fs').readFileSync(0, 'utf8')); " if data else ""
    program += f"console.log(JSON.stringify({expression}))"
    done = subprocess.run([NODE, "-e", program], input=json.dumps(data), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def source(program: PageProgram) -> str:
    """Return an expression for what a program makes of its numbers."""
    numbers = {
        name: value
        if isinstance(value, bool | int | float | str | list)
        else {"shape": list(np.shape(value)), "values": np.asarray(value).ravel().tolist()}
        for name, value in program.numbers.items()
    }
    script = "\n".join(line for line in program.script.strip().splitlines() if not line.startswith("//"))
    return f"(({script}))({json.dumps(numbers)})"
