"""What the contracts ask, clause by clause, and the error that names the clause which is broken."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import NamedTuple

from ..options import describe_error


class Clause(NamedTuple):
    """One demand of a contract."""

    asks: str
    """What must hold."""

    fix: str
    """What to do where it does not."""


PLUGIN_CLAUSES: Mapping[str, Clause] = MappingProxyType(
    {
        "loads": Clause(
            "the plug-in is installed under its name and can be loaded",
            "import the module of the entry point by hand and correct what it raises",
        ),
        "plugin": Clause(
            "the plug-in has config (a dataclass), build (a function), summary (one line) and api_version",
            "make it an AlgorithmPlugin or an EnvironmentPlugin",
        ),
        "api-version": Clause(
            "the plug-in is written for this version of the contract",
            "leave api_version out, and require in pyproject.toml the polax that you tested with",
        ),
        "config-frozen": Clause(
            "the configuration is a frozen dataclass that can be hashed",
            "write @dataclass(frozen=True), with tuples in place of lists",
        ),
        "config-defaults": Clause("every option has a default", "give each field of the configuration a default value"),
        "config-json": Clause(
            "options are numbers, words, None or tuples of these: what config.json holds gives the same configuration",
            "use plain values of the annotated types, and build what is richer in build()",
        ),
        "build": Clause(
            "build makes what its contract says, and refuses what it cannot do with a ValueError",
            "see polax.algorithms.base and polax.envs.base for what is to be returned",
        ),
    }
)

ALGORITHM_CLAUSES: Mapping[str, Clause] = MappingProxyType(
    {
        "presets": Clause(
            "presets map (name, environment id) to a Preset of options that exist, with at least one update",
            "correct the preset; `polax list --details` shows environments, --help the options",
        ),
        "runs": Clause(
            "init, update and policies run; those of a pure algorithm also inside jax.jit",
            "use jax.numpy and jax.lax on what is traced, or say pure=False",
        ),
        "state-arrays": Clause(
            "the state is a pytree whose leaves are arrays (of numpy or jax)",
            "turn numbers, tensors of other libraries and objects into arrays; what is constant belongs to build()",
        ),
        "state-fixed": Clause(
            "an update keeps the structure, shapes and dtypes of the state",
            "create in init everything that update keeps, with its final dtype",
        ),
        "metrics": Clause(
            "metrics are scalars by name; update, seed, seconds and score/... are the runner's own names",
            "reduce to a mean or a sum, and rename what collides",
        ),
        "finite": Clause(
            "metrics are finite and the state has no NaN after a few updates",
            "look for divisions and logarithms of zero; guard both the branch and its argument (double where)",
        ),
        "same-key-same-update": Clause(
            "equal keys give equal results: nothing is hidden outside the state",
            "draw all random numbers from the key, and keep counters in the state",
        ),
        "input-untouched": Clause(
            "update returns a new state and leaves the given one as it was",
            "copy arrays before writing into them (torch.from_numpy shares memory)",
        ),
        "key-used-once": Clause(
            "a random key is used once", "split the key at the top, one child for each purpose, and never use it again"
        ),
        "equal-functions": Clause(
            "built again, a pure algorithm has equal update and policies that can be hashed, so nothing compiles twice",
            "make them functions of the module or instances of a frozen dataclass, not closures or lambdas in build()",
        ),
        "numbers-in-state": Clause(
            "options and environment params that are floating-point numbers do not change the functions",
            "put the numbers into the state in init, as arrays, and read them there in update",
        ),
        "maps-over-seeds": Clause(
            "init, update and policies of a pure algorithm can be mapped over seeds with jax.vmap",
            "avoid Python decisions on values, callbacks without a rule for vmap, and shapes that depend on data",
        ),
        "resumes": Clause(
            "an algorithm built anew continues from a saved state to exactly the same result",
            "put everything that learning carries into the state: optimiser moments, step counters, statistics",
        ),
        "policies": Clause(
            "policies(state) gives one policy for each player, each passing check_policy; with self_play, equal ones",
            "return a tuple of env.num_players policies; declare self_play only where one policy plays as every player",
        ),
        "episode-learner": Clause(
            "episode_learner is None or, of a pure algorithm, an EpisodeLearner of num_episodes >= 1 and numbers in "
            "arrays, whose init, learn and policy keep the clauses of init, update and policies",
            "see polax.algorithms.base.EpisodeLearner; leave it out where a player cannot learn from its own episodes",
        ),
    }
)

POLICY_CLAUSES: Mapping[str, Clause] = MappingProxyType(
    {
        "policy-pytree": Clause(
            "a policy of a pure algorithm is a pytree of arrays",
            "make it a flax.struct.dataclass, with sizes as fields marked pytree_node=False",
        ),
        "acts": Clause(
            "initial_memory(num_envs) and act(key, observation, memory) run; those of a pure policy also compiled",
            "take observations [B, features] and return (actions, memory)",
        ),
        "memory": Clause(
            "memory is a pytree whose leaves start with the batch axis and keep their shapes and dtypes",
            "create it whole in initial_memory(num_envs), with that many rows",
        ),
        "actions": Clause(
            "actions are one integer for each observation, [B], int32 where the policy is pure",
            "end with .astype(jnp.int32), without a trailing axis",
        ),
        "action-range": Clause("actions are from 0 to env.num_actions - 1", "size the output by env.num_actions"),
        "same-key-same-actions": Clause(
            "equal keys, observations and memories give equal actions",
            "draw from the key alone, and carry between steps in the memory alone",
        ),
    }
)

ENVIRONMENT_CLAUSES: Mapping[str, Clause] = MappingProxyType(
    {
        "game": Clause(
            "the environment is a Game: a frozen dataclass that can be hashed, with at least one player",
            "write @dataclass(frozen=True, kw_only=True) class MyGame(Game[MyState, MyParams])",
        ),
        "equal-games": Clause(
            "built again, a game is equal to the first and gives equal default params",
            "keep in the game plain values only, not arrays or functions made in build()",
        ),
        "numbers-in-params": Clause(
            "configurations that differ in floating-point numbers only give equal games, and params of equal shapes",
            "put the numbers into the params, not into the game",
        ),
        "params": Clause(
            "params are gymnax EnvParams whose leaves are arrays, max_steps_in_episode an integer of at least 1",
            "use flax.struct.dataclass and jnp.float32(...), jnp.int32(...)",
        ),
        "spaces": Clause(
            "observation_space is [players, features] float32, action_space counts the different action_names",
            "see MatrixGame in polax.envs.matrix_game",
        ),
        "compiles": Clause(
            "reset_env and step_env run inside jax.jit and return what gymnax asks for",
            "use jax.numpy on what is traced; step_env gives (observation, state, reward, terminated, info)",
        ),
        "observation": Clause(
            "observations are finite float32 numbers in the shape and range of observation_space",
            "cast with .astype(jnp.float32) and widen the space, or correct observe",
        ),
        "reward": Clause("rewards are one finite float32 number for each player", "return an array [players] float32"),
        "info": Clause(
            "info holds scalars (numbers or booleans) by name, the same names at every step",
            "give flags as 0.0 or 1.0; leave out names that gymnax adds: terminated, truncated, final_observation",
        ),
        "never-terminated": Clause(
            "terminated is always False: a game ends at its horizon", "return jnp.zeros((), bool)"
        ),
        "horizon": Clause(
            "step truncates at params.max_steps_in_episode and starts anew: state.time counts the steps",
            "set time=state.time + 1 in step_env and 0 in reset_env; leave gymnax's step as it is",
        ),
        "final-observation": Clause(
            "at the horizon info['final_observation'] is what was seen last, before the new episode",
            "leave gymnax's step as it is",
        ),
        "state-kept": Clause(
            "the state keeps its structure, shapes and dtypes from reset to step to step",
            "give reset_env and step_env the same fields, shapes and dtypes",
        ),
        "same-key-same-step": Clause("equal keys give equal results", "draw all random numbers from the key"),
        "key-used-once": ALGORITHM_CLAUSES["key-used-once"],
        "observe": Clause(
            "observe(key, state, None, params) gives what the step into that state gave",
            "let reset_env and step_env return self.observe(...)",
        ),
        "observation-table": Clause(
            "where num_observations is a number, observation_table()[observation_index(state)] is the observation",
            "correct the table or the index, or let num_observations be None",
        ),
        "params-map": Clause(
            "reset_env and step_env can be mapped over params with jax.vmap",
            "let no shape and no Python decision depend on params",
        ),
        "strategies": Clause(
            "strategies maps names to functions (game, player) -> policy, and each policy passes check_policy",
            "return a pytree with initial_memory and act",
        ),
        "reports": Clause(
            "reference_scores gives finite numbers by name, summarise finite scalars by name",
            "guard divisions by zero; leave both out where there is nothing to say",
        ),
        "measures": Clause(
            "measures name metrics of summarise, and player_measures exactly what summarise_player gives",
            "spell a measure's name as its method spells it",
        ),
        "pictures": Clause(
            "draw returns an RGB picture of the width asked for, describe text, board pieces that are on the board",
            "leave draw and describe out (text is drawn then), or use polax.envs.rendering.pictures",
        ),
        "symmetry": Clause(
            "is_symmetric is True or False, and where it is True players who change places (of more than two: all "
            "move on by one) see and get the same",
            "let each player see its own side first, or return False",
        ),
        "symmetries": Clause(
            "symmetries are None or permutations of features and of actions, the identity among them, and where all "
            "players act under one of them, what they see and get is the same but for the names",
            "permute what actions lead to and what observations say of it alike, or return None",
        ),
        "layouts": Clause(
            "observation_layout is one of the layouts, and in_layout gives a game with the same space in that layout",
            "leave observation_layout out, or declare it as a field with polax.envs.settings.choice",
        ),
        "cooperation": Clause(
            "cooperative_action is None or one of the actions", "return None where no single action is cooperation"
        ),
    }
)

CLAUSES: Mapping[str, Clause] = MappingProxyType(
    {**PLUGIN_CLAUSES, **ALGORITHM_CLAUSES, **POLICY_CLAUSES, **ENVIRONMENT_CLAUSES}
)
"""Every clause by name."""


class ContractError(AssertionError):
    """Something does not keep a contract.

    Attributes:
        subject: what was checked.
        clause: the name of the broken clause, a key of `CLAUSES`.
        found: what was seen instead.
    """

    def __init__(self, subject: str, clause: str, found: str) -> None:
        asks, fix = CLAUSES[clause]
        super().__init__(f"{subject} breaks the clause {clause!r}: {asks}.\n  Found: {found}\n  How to fix it: {fix}.")
        self.subject = subject
        self.clause = clause
        self.found = found


class Subject(NamedTuple):
    """What is being checked, and how its failures are raised."""

    name: str

    def demand(self, clause: str, holds: object, found: str) -> None:
        """Raise `ContractError` unless ``holds``."""
        if not holds:
            raise self.breach(clause, found)

    def breach(self, clause: str, found: str) -> ContractError:
        """Return the error that says what was found in place of what ``clause`` asks."""
        return ContractError(self.name, clause, found)

    @contextmanager
    def running(self, clause: str) -> Iterator[None]:
        """Run the subject's code: any error is a breach of ``clause``."""
        try:
            yield
        except ContractError:
            raise
        except Exception as cause:
            raise self.breach(clause, describe_error(cause)) from cause
