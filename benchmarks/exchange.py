"""What each device computes and exchanges in an update of POLA-DiCE, by the axis and size of the mesh.

    python benchmarks/exchange.py [--num-envs 2000] [--hidden-size 64] [--num-steps 50] [--inner-steps 2]
        [--outer-steps 200] [--out results/exchange.json]

Nothing is run: multiplications and exchanges are counted in the traced program, those in a loop as often as it turns.
``weak`` keeps the episodes (or seeds) of a device, ``strong`` those of the run. Bytes are those a device hands in; a
ring sends and receives nearly twice as many. The devices are simulated, so any number of them can be counted.
"""

from __future__ import annotations

import argparse
import math
import os
import sys
from typing import Any, NamedTuple

from measurements import finish, make_parser

SIZES = {"num-envs": 2000, "num-steps": 50, "hidden-size": 64, "inner-steps": 2, "outer-steps": 200}
DEVICES = (1, 2, 4, 8, 16)


class Count(NamedTuple):
    """What a program does."""

    multiplications: float = 0.0
    exchanges: float = 0.0
    bytes: float = 0.0

    def plus(self, other: Count, times: float = 1.0) -> Count:
        """Return the sum with another one that is done so many times."""
        return Count(*(one + times * two for one, two in zip(self, other, strict=True)))


def count(program: Any) -> Count:
    """Count in a traced program; of the branches of a condition, the longest."""
    total = Count()
    for equation in program.eqns:
        name, inner = equation.primitive.name, [count(each) for each in programs(equation.params)]
        if name == "dot_general":
            (contracted, _), _ = equation.params["dimension_numbers"]
            left, out = equation.invars[0].aval.shape, equation.outvars[0].aval.shape
            total = total.plus(Count(math.prod(out) * math.prod(left[axis] for axis in contracted)))
        elif name.startswith(("psum", "all_gather", "all_reduce")):
            sizes = [variable.aval.size * variable.aval.dtype.itemsize for variable in equation.invars]
            total = total.plus(Count(0.0, 1.0, sum(sizes)))
        elif name == "cond":
            total = total.plus(max(inner))
        else:
            for each in inner:
                total = total.plus(each, equation.params["length"] if name == "scan" else 1.0)
    return total


def programs(parameters: dict[str, Any]) -> list[Any]:
    """Return the programs among the parameters of an operation."""
    values = [each for value in parameters.values() for each in (value if isinstance(value, list | tuple) else [value])]
    return [inner for each in values if hasattr(inner := getattr(each, "jaxpr", each), "eqns")]


def measure(options: argparse.Namespace) -> dict[str, float]:
    import jax
    import polax
    from polax.algorithms.core.devices import asking_for
    from polax.runner.training.seeds import make_learner, mesh_for, seed_keys

    env, params = polax.make_env("IPD-v0", max_steps_in_episode=options.num_steps, observation_layout="shared")
    found: dict[str, float] = {}

    def note(name: str, mesh: dict[str, int], *, num_envs: int, seeds: int) -> None:
        sizes = {name: getattr(options, name) for name in ("hidden_size", "inner_steps", "outer_steps")}
        algorithm = polax.make_algorithm("pola-dice", env, params, num_envs=num_envs, **sizes)
        with asking_for(mesh):
            learner: Any = make_learner(algorithm, mesh_for(algorithm, seeds))
        keys = seed_keys(range(seeds))
        program = learner.trace(keys.update, jax.eval_shape(learner.init, keys.init)).jaxpr
        counted = count(program)
        found[f"{name}, Gmult a device"] = counted.multiplications / 1e9
        found[f"{name}, exchanges"] = counted.exchanges
        found[f"{name}, MB a device"] = counted.bytes / 1e6

    for devices in DEVICES:
        share = options.num_envs // max(DEVICES)
        note(f"envs={devices}, strong", {"envs": devices}, num_envs=options.num_envs, seeds=1)
        note(f"envs={devices}, weak", {"envs": devices}, num_envs=share * devices, seeds=1)
        note(f"seeds={devices}, weak", {"seeds": devices}, num_envs=share, seeds=devices)
    note("players=2, strong", {"players": 2}, num_envs=options.num_envs, seeds=1)
    return found


def main() -> int:
    os.environ["XLA_FLAGS"] = f"--xla_force_host_platform_device_count={max(DEVICES)}"
    parser = make_parser(__doc__)
    for name, default in SIZES.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args()
    finish(options, measure(options))
    return 0


if __name__ == "__main__":
    sys.exit(main())
