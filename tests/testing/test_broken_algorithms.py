"""Every clause of the contracts of algorithms and players: a plug-in that breaks it fails with that clause."""

import dataclasses
import itertools
from typing import Any

import conforming
import jax
import jax.numpy as jnp
import numpy as np
import polax
import pytest
from conforming import (
    Init,
    LearnerConfig,
    LearnerState,
    Player,
    PythonLearner,
    learner,
    policies,
    python_learner,
    update,
)
from polax.algorithms.base import Algorithm, EpisodeLearner, Preset
from polax.testing import CLAUSES, ContractError, check_algorithm, check_policy
from polax.testing.clauses import ALGORITHM_CLAUSES, PLUGIN_CLAUSES, POLICY_CLAUSES

COUNTER = itertools.count()


@dataclasses.dataclass
class NotFrozen:
    step_size: float = 0.1


@dataclasses.dataclass(frozen=True)
class NoHash:
    sizes: Any = dataclasses.field(default_factory=list)


@dataclasses.dataclass(frozen=True)
class NoDefault:
    step_size: float


@dataclasses.dataclass(frozen=True)
class NotPlain:
    step_size: Any = jnp.tanh


@dataclasses.dataclass(frozen=True)
class WrongType:
    width: int = 0.5  # type: ignore[assignment]


def update_without_jax(key: jax.Array, state: LearnerState) -> Any:
    return (state, {"loss": 0.0}) if state.log_odds[0] > 0 else (state, {"loss": 1.0})


def update_without_metrics(key: jax.Array, state: LearnerState) -> Any:
    return update(key, state)[0]


def update_with_a_vector(key: jax.Array, state: LearnerState) -> Any:
    return state, {"loss": state.log_odds}


def update_with_a_score(key: jax.Array, state: LearnerState) -> Any:
    return state, {"score/player_0": state.log_odds[0]}


def update_with_another_shape(key: jax.Array, state: LearnerState) -> Any:
    return state.replace(vector=jnp.zeros(3)), {}


def update_with_another_type(key: jax.Array, state: LearnerState) -> Any:
    return state.replace(vector=state.vector.astype(jnp.int32)), {}


def update_with_another_structure(key: jax.Array, state: LearnerState) -> Any:
    return dataclasses.asdict(state), {}


def update_to_nan(key: jax.Array, state: LearnerState) -> Any:
    return state.replace(vector=jnp.log(state.vector - 1)), {}


def update_to_infinity(key: jax.Array, state: LearnerState) -> Any:
    return state, {"loss": 1 / state.vector[0]}


def update_by_counting(key: jax.Array, state: LearnerState) -> Any:
    return state.replace(vector=state.vector + next(COUNTER)), {}


def update_by_numpy(key: jax.Array, state: LearnerState) -> Any:
    return state.replace(vector=state.vector + np.random.default_rng().random(2)), {}


def update_with_one_key(key: jax.Array, state: LearnerState) -> Any:
    return state, {"loss": jax.random.normal(key) + jax.random.uniform(key)}


def update_that_cannot_be_mapped(key: jax.Array, state: LearnerState) -> Any:
    shape = jax.ShapeDtypeStruct((), jnp.float32)
    return state, {"loss": jax.pure_callback(lambda x: np.float32(x.sum()), shape, state.vector)}


def one_policy(state: LearnerState) -> Any:
    return (Player(state.log_odds[0]),)


def list_of_policies(state: LearnerState) -> Any:
    return list(policies(state))


@dataclasses.dataclass(frozen=True)
class NumbersInUpdate:
    step_size: float

    def __call__(self, key: jax.Array, state: LearnerState) -> Any:
        return state.replace(log_odds=state.log_odds + self.step_size), {}


@dataclasses.dataclass
class NoHashUpdate:
    def __call__(self, key: jax.Array, state: LearnerState) -> Any:
        return state, {}


@dataclasses.dataclass(frozen=True)
class PrizeInUpdate:
    payoff: float

    def __call__(self, key: jax.Array, state: LearnerState) -> Any:
        return state.replace(log_odds=state.log_odds + self.payoff), {}


def building(function: Any, **fields: Any) -> Any:
    """Return the learner with another update, made in ``build`` from params and configuration."""

    def build(env: Any, params: Any, config: LearnerConfig) -> Algorithm:
        return Algorithm(init=Init(config), update=function(params, config), policies=policies, **fields)

    return learner(build=build)


def init_alone(key: jax.Array, numbers: Any) -> Any:
    return LearnerState(numbers * jax.random.normal(key, (2,)), jnp.zeros(2), numbers)


def learn_alone(key: jax.Array, state: Any, experience: Any) -> Any:
    gain = (experience.rewards * experience.actions).mean()
    return state.replace(log_odds=state.log_odds + gain), {"gain": gain}


def learn_with_another_shape(key: jax.Array, state: Any, experience: Any) -> Any:
    return state.replace(vector=experience.rewards[0]), {}


def learn_without_metrics(key: jax.Array, state: Any, experience: Any) -> Any:
    return state


def learn_with_a_vector(key: jax.Array, state: Any, experience: Any) -> Any:
    return state, {"gain": experience.rewards}


def learn_by_counting(key: jax.Array, state: Any, experience: Any) -> Any:
    return state.replace(vector=state.vector + next(COUNTER)), {}


def policy_alone(state: Any) -> Any:
    return Player(state.log_odds[0])


EPISODES = EpisodeLearner(3, jnp.float32(0.1), init_alone, learn_alone, policy_alone)


def from_episodes(**fields: Any) -> Any:
    """Return the learner with one that learns from given episodes."""
    return building(lambda *_: update, episode_learner=EPISODES._replace(**fields))


def episode_learner_of_closures(env: Any, params: Any, config: LearnerConfig) -> Algorithm:
    alone = EPISODES._replace(learn=lambda *given: learn_alone(*given))
    return Algorithm(init=Init(config), update=update, policies=policies, episode_learner=alone)


def no_policy(state: Any) -> Any:
    return state.log_odds


def refusing(env: Any, params: Any, config: Any) -> Any:
    raise KeyError("nothing of that name")


def python_numbers(key: jax.Array) -> Any:
    return LearnerState(jax.random.normal(key, (2,)), jnp.zeros(2), 0.5)  # type: ignore[arg-type]


class WithTensor(PythonLearner):
    def init(self, key: jax.Array) -> Any:
        return {**super().init(key), "count": 0}


class ChangesItsInput(PythonLearner):
    def update(self, key: jax.Array, state: Any) -> Any:
        state["count"] += 1
        return super().update(key, state)


class DrawsElsewhere(PythonLearner):
    def update(self, key: jax.Array, state: Any) -> Any:
        new, metrics = super().update(key, state)
        return {**new, "probability": np.random.default_rng().random(2, np.float32)}, metrics


class CountsInside(PythonLearner):
    count = 0

    def update(self, key: jax.Array, state: Any) -> Any:
        self.count += 1
        return super().update(key, {**state, "probability": state["probability"] / self.count})


class WarmsUp(PythonLearner):
    """Its updates depend on when it was built: what it learned at first is not in the state."""

    def __init__(self) -> None:
        self.offset = next(COUNTER)

    def update(self, key: jax.Array, state: Any) -> Any:
        new, metrics = super().update(key, state)
        return {**new, "count": new["count"] + self.offset}, metrics


class Fails(PythonLearner):
    def policies(self, state: Any) -> Any:
        raise OSError("no such device")


class NotFinite(PythonLearner):
    def update(self, key: jax.Array, state: Any) -> Any:
        new, metrics = super().update(key, state)
        return new, {"mean": float("inf") if new["count"] > 1 else metrics["mean"]}


class NaNInState(PythonLearner):
    def update(self, key: jax.Array, state: Any) -> Any:
        new, metrics = super().update(key, state)
        return {**new, "probability": np.full(2, np.nan, np.float32)}, metrics


BROKEN = [
    ("plugin", object(), "object has no config, build, summary, api_version"),
    ("plugin", learner(config=dict), "config is <class 'dict'>, not a dataclass"),
    ("plugin", learner(build=None), "build is None, which cannot be called"),
    ("plugin", learner(summary="two\nlines"), "summary is 'two\\nlines'"),
    ("api-version", learner(api_version=0), "it says 0; this polax has 1"),
    ("config-frozen", learner(config=NotFrozen), "NotFrozen is not frozen"),
    ("config-frozen", learner(config=NoHash), r"NoHash() has no hash"),
    ("config-defaults", learner(config=NoDefault), "missing 1 required"),
    ("config-json", learner(config=NotPlain), "not JSON serializable"),
    ("config-json", learner(config=WrongType), "width must be a whole number, not 0.5"),
    ("presets", learner(presets=[]), "presets are []"),
    ("presets", learner(presets={"laptop": Preset(1)}), "the key 'laptop'"),
    ("presets", learner(presets={("laptop", "IPD-v0"): {}}), "is {}"),
    ("presets", learner(presets={("laptop", "IPD-v0"): Preset(0)}), "has 0 updates"),
    ("presets", learner(presets={("laptop", "IPD-v0"): Preset(1, {"widht": 3})}), "did you mean 'width'?"),
    ("presets", learner(presets={("laptop", "IPD-v7"): Preset(1)}), "did you mean 'IPD-v0'?"),
    ("presets", learner(presets={("laptop", "IPD-v0"): Preset(1, {}, {"f": 3})}), "IPD-v0 has no option 'f'"),
    ("build", learner(build=refusing), "KeyError: 'nothing of that name'"),
    ("build", learner(build=lambda *_: None), "build returned NoneType"),
    ("build", learner(build=lambda *_: Algorithm(Init(LearnerConfig()), None, None)), "update and policies cannot"),  # type: ignore[arg-type]
    ("build", building(lambda *_: update, pure="yes"), "pure is 'yes'"),
    ("build", building(lambda *_: update, self_play="no"), "self_play is 'no'"),
    ("policies", building(lambda *_: update, self_play=True), "self_play is declared, and"),
    ("runs", learner(update=update_without_jax), "TracerBoolConversionError"),
    ("runs", learner(update=update_without_metrics), "update returned LearnerState, not (state, metrics)"),
    ("runs", python_learner(Fails), "OSError: no such device"),
    ("state-arrays", learner(init=python_numbers), "step_size is 0.5 of type builtins.float"),
    ("state-arrays", python_learner(WithTensor), "count is 0 of type builtins.int"),
    ("state-fixed", learner(update=update_with_another_shape), "vector was float32[2] and became float32[3]"),
    ("state-fixed", learner(update=update_with_another_type), "vector was float32[2] and became int32[2]"),
    ("state-fixed", learner(update=update_with_another_structure), "the structure was"),
    ("metrics", learner(update=update_with_a_vector), "'loss' has shape [2]"),
    ("metrics", learner(update=update_with_a_score), "a metric of the name 'score/player_0'"),
    ("finite", learner(update=update_to_nan), "at update 1, a parameter is nan"),
    ("finite", learner(update=update_to_infinity), "at update 1, loss is inf"),
    ("finite", python_learner(NotFinite), "at update 2, mean is inf"),
    ("finite", python_learner(NaNInState), "at update 1, a parameter is nan"),
    ("same-key-same-update", learner(update=update_by_counting), "traced again it is another program"),
    ("same-key-same-update", learner(update=update_by_numpy), "traced again it is another program"),
    ("same-key-same-update", python_learner(DrawsElsewhere), "probability differs"),
    ("same-key-same-update", python_learner(CountsInside), "probability differs"),
    ("input-untouched", python_learner(ChangesItsInput), "count differs"),
    ("key-used-once", learner(update=update_with_one_key), "already consumed"),
    ("equal-functions", learner(update=NoHashUpdate()), "update has no hash"),
    ("equal-functions", building(lambda *_: lambda key, state: (state, {})), "update is <function"),
    ("numbers-in-state", building(lambda _, config: NumbersInUpdate(config.step_size)), "with step_size=0.101"),
    (
        "numbers-in-state",
        building(lambda params, _: PrizeInUpdate(float(params.payoffs.sum()))),
        "environment's params",
    ),
    ("maps-over-seeds", learner(update=update_that_cannot_be_mapped), "vmap"),
    ("resumes", python_learner(WarmsUp), "count differs"),
    ("policies", learner(policies=one_policy), "a tuple of 1 for 2 players"),
    ("policies", learner(policies=list_of_policies), "a list for 2 players"),
    ("episode-learner", building(lambda *_: update, episode_learner=learn_alone), "it is function"),
    ("episode-learner", building(lambda *_: update, pure=False, episode_learner=EPISODES), "says pure=False"),
    ("episode-learner", from_episodes(learn=None), "learn cannot be called"),
    ("episode-learner", from_episodes(num_episodes=0), "num_episodes is 0"),
    ("episode-learner", from_episodes(numbers=0.1), "in numbers, "),
    ("runs", from_episodes(learn=learn_without_metrics), "learn returned LearnerState"),
    ("state-fixed", from_episodes(learn=learn_with_another_shape), "vector was float32[2] and became float32[3]"),
    ("metrics", from_episodes(learn=learn_with_a_vector), "'gain' has shape"),
    ("same-key-same-update", from_episodes(learn=learn_by_counting), "traced again it is another program"),
    (
        "equal-functions",
        learner(build=episode_learner_of_closures),
        "episode_learner.learn is <function",
    ),
    ("acts", from_episodes(policy=no_policy), "no initial_memory"),
]


@pytest.mark.parametrize(
    ("clause", "plugin", "found"), BROKEN, ids=lambda value: value if isinstance(value, str) else ""
)
def test_a_broken_algorithm_fails_with_the_clause_it_breaks(clause: str, plugin: Any, found: str) -> None:
    with pytest.raises(ContractError) as caught:
        check_algorithm(plugin)
    assert caught.value.clause == clause, caught.value
    assert found in caught.value.found
    assert CLAUSES[clause].fix in str(caught.value)


@pytest.mark.parametrize(
    "plugin", [learner(), python_learner(), from_episodes()], ids=["pure", "python", "from episodes"]
)
def test_a_conforming_algorithm_passes(plugin: Any) -> None:
    check_algorithm(plugin)


def test_a_name_that_does_not_load_breaks_a_clause_and_an_unknown_one_is_a_users_error() -> None:
    with pytest.raises(ContractError) as caught:
        check_algorithm("conforming:NOTHING")
    assert caught.value.clause == "loads"
    assert "has no attribute 'NOTHING'" in caught.value.found
    with pytest.raises(polax.UnknownNameError, match="did you mean 'naive'"):
        check_algorithm("naiv")


def test_an_algorithm_that_refuses_the_game_is_not_broken() -> None:
    with pytest.raises(polax.OptionError, match="refuses CoinGame-v0"):
        check_algorithm("naive-exact", env="CoinGame-v0")


def test_options_that_do_not_exist_are_named() -> None:
    with pytest.raises(ContractError, match="did you mean 'width'"):
        check_algorithm(learner(), options={"widht": 3})


@dataclasses.dataclass(frozen=True)
class Plain:
    """A player that acts by a function of (key, observation, memory)."""

    function: Any
    memory: Any = lambda num_envs: ()

    def initial_memory(self, num_envs: int) -> Any:
        return self.memory(num_envs)

    def act(self, key: jax.Array, observation: jax.Array, memory: Any) -> Any:
        return self.function(key, observation, memory)


jax.tree_util.register_pytree_node(
    Plain, lambda player: ((), (player.function, player.memory)), lambda content, _: Plain(*content)
)


def zeros(observation: jax.Array) -> jax.Array:
    return jnp.zeros(len(observation), jnp.int32)


def two_draws(key: jax.Array, observation: jax.Array, memory: Any) -> Any:
    return (jax.random.uniform(key) + jax.random.normal(key) > zeros(observation)).astype(jnp.int32), memory


def counted(key: jax.Array, observation: jax.Array, memory: Any) -> Any:
    return jnp.minimum(zeros(observation) + next(COUNTER), 1), memory


def counted_in_python(key: jax.Array, observation: jax.Array, memory: Any) -> Any:
    return np.full(len(observation), next(COUNTER) % 2), memory


def unmapped(key: jax.Array, observation: jax.Array, memory: Any) -> Any:
    shape = jax.ShapeDtypeStruct((len(observation),), jnp.int32)
    return jax.pure_callback(lambda x: np.zeros(len(x), np.int32), shape, memory), memory


BROKEN_POLICIES = [
    ("acts", object(), {}, "no initial_memory and no act"),
    ("acts", Plain(lambda key, observation, memory: (observation[:, 9], memory, None)), {}, "ValueError"),
    ("acts", Plain(lambda key, observation, memory: (memory.x, memory)), {}, "AttributeError"),
    ("policy-pytree", conforming.PythonPlayer(0.5), {}, "PythonPlayer"),
    ("policy-pytree", Player(0.5), {}, "log_odds is 0.5 of type builtins.float"),  # type: ignore[arg-type]
    ("memory", Plain(lambda key, seen, memory: (zeros(seen), memory), lambda n: jnp.zeros(())), {}, "leaf of shape"),
    ("memory", Plain(lambda key, seen, memory: (zeros(seen), memory > 0), jnp.zeros), {}, "became bool[1]"),
    ("memory", Plain(lambda key, seen, memory: (zeros(seen), (memory,)), jnp.zeros), {}, "in the memory"),
    ("actions", Plain(lambda key, seen, memory: (zeros(seen)[:, None], memory)), {}, "int32[1, 1] for 1"),
    ("actions", Plain(lambda key, seen, memory: (jnp.zeros(len(seen)), memory)), {}, "float32[1]"),
    ("actions", Plain(lambda key, seen, memory: (np.zeros(1), memory)), {"pure": False}, "float64[1]"),
    ("action-range", Plain(lambda key, seen, memory: (zeros(seen) + 2, memory)), {}, "[2], where there are 2 actions"),
    ("action-range", Plain(lambda key, seen, memory: (zeros(seen) - 1, memory)), {}, "[-1]"),
    ("same-key-same-actions", Plain(counted), {}, "traced again"),
    ("same-key-same-actions", Plain(counted_in_python), {"pure": False}, ", then ["),
    ("key-used-once", Plain(two_draws), {}, "already consumed"),
    ("maps-over-seeds", Plain(unmapped, jnp.zeros), {}, "vmap"),
]


@pytest.mark.parametrize(("clause", "policy", "options", "found"), BROKEN_POLICIES, ids=lambda value: str(value)[:20])
def test_a_broken_player_fails_with_the_clause_it_breaks(
    clause: str, policy: Any, options: dict[str, Any], found: str
) -> None:
    with pytest.raises(ContractError) as caught:
        check_policy(policy, conforming.MatchGame(), 1, **options)
    assert caught.value.clause == clause, caught.value
    assert found in caught.value.found


def test_the_players_of_an_algorithm_are_checked_too() -> None:
    def acts_too_high(state: LearnerState) -> Any:
        return Player(state.log_odds[0]), Plain(lambda key, seen, memory: (zeros(seen) + 5, memory))

    with pytest.raises(ContractError, match="player 1 of the algorithm 'conforms' breaks the clause 'action-range'"):
        check_algorithm(learner(policies=acts_too_high))


def test_a_policy_in_ordinary_python_passes_and_may_change_its_memory_in_place() -> None:
    check_policy(conforming.PythonPlayer(0.5), "IPD-v0", 0, pure=False)


def test_a_seat_or_an_environment_that_there_is_not_is_a_users_error() -> None:
    with pytest.raises(ValueError, match="player must be a whole number from 0 to 1, not 2"):
        check_policy(Player(jnp.float32(0)), "IPD-v0", 2)
    with pytest.raises(polax.PolaxError, match="an environment is an id, a Game or"):
        check_policy(Player(jnp.float32(0)), 7)  # type: ignore[arg-type]


def test_every_clause_of_algorithms_and_players_is_broken_by_a_test() -> None:
    broken = {clause for clause, *_ in [*BROKEN, *BROKEN_POLICIES]} | {"loads"}
    assert broken == {*PLUGIN_CLAUSES, *ALGORITHM_CLAUSES, *POLICY_CLAUSES}
