"""Single-agent learners in JAX on one player's view of a game: rejax, evosax, and a PPO loop of PureJaxRL's kind.

PureJaxRL is a repository of scripts, so its loop is played by a small one of our own. It asks of an environment what
those scripts ask: gymnax's `LogWrapper`, steps that are mapped over, one network for a batch of environments.
"""

import flax.linen as nn
import gymnax
import jax
import jax.numpy as jnp
import optax
import polax
import pytest
from gymnax.wrappers import LogWrapper
from gymnax.wrappers.compat import LegacyStepAPIWrapper

pytestmark = pytest.mark.learners


class FiveValues(LegacyStepAPIWrapper):
    """gymnax's adapter to steps that return five values, which rejax 0.1 expects and copies."""

    def __deepcopy__(self, memo):
        return self


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_rejaxs_ppo_learns_to_cooperate_with_tit_for_tat():
    from rejax import PPO

    env, params = polax.single_agent(*polax.make_env("IPD-v0", max_steps_in_episode=20), opponent="tit-for-tat")
    learner = PPO.create(
        env=FiveValues(env),
        env_params=params,
        total_timesteps=60_000,
        eval_freq=60_000,
        num_envs=32,
        num_steps=20,
        num_epochs=4,
        num_minibatches=4,
        learning_rate=3e-3,
        gamma=0.95,
        ent_coef=0.01,
    )
    _, (lengths, returns) = jax.jit(learner.train)(jax.random.key(0))
    assert (lengths == 20).all()
    assert returns[0].mean() / 20 < 0.28
    assert returns[-1].mean() / 20 > 0.31  # mutual cooperation earns 0.33


class Network(nn.Module):
    """A policy that samples, as evosax's problem for gymnax asks."""

    num_actions: int

    @nn.compact
    def __call__(self, observation, key):
        logits = nn.Dense(self.num_actions)(observation)
        return jax.random.categorical(key, logits)


@pytest.fixture
def known_to_gymnax():
    name = "IPD-v0/tit-for-tat"

    def make():
        return polax.single_agent(*polax.make_env("IPD-v0"), opponent="tit-for-tat")[0]

    gymnax.register(name, make)
    yield name
    gymnax.registration._registry.pop(name)
    gymnax.registration.registered_envs.remove(name)


def test_evosaxs_evolution_strategy_learns_to_cooperate_with_tit_for_tat(known_to_gymnax):
    from evosax.algorithms import Open_ES
    from evosax.problems import GymnaxProblem

    problem = GymnaxProblem(known_to_gymnax, Network(2), num_rollouts=8, use_normalize_obs=False)
    key = jax.random.key(0)
    state, solution = problem.init(key), problem.sample(key)
    strategy = Open_ES(population_size=64, solution=solution, optimizer=optax.adam(0.1), std_schedule=lambda _: 0.3)
    settings = strategy.default_params
    learner = strategy.init(key, solution, settings)

    @jax.jit
    def generation(learner, key):
        ask_key, eval_key, tell_key = jax.random.split(key, 3)
        population, learner = strategy.ask(ask_key, learner, settings)
        fitness, _, _ = problem.eval(eval_key, population, state)
        learner, _ = strategy.tell(tell_key, population, -fitness, learner, settings)  # evosax minimises
        return learner, fitness.mean()

    _, scores = jax.lax.scan(generation, learner, jax.random.split(key, 40))
    assert scores[0] / 50 < 0.28
    assert scores[-1] / 50 > 0.31  # mutual cooperation earns 0.33


NUM_ENVS, NUM_STEPS, EPOCHS, DISCOUNT, CLIP = 32, 20, 4, 0.95, 0.2


class ActorCritic(nn.Module):
    """Logits and a value."""

    num_actions: int

    @nn.compact
    def __call__(self, observation):
        return nn.Dense(self.num_actions)(observation), nn.Dense(1)(observation)[..., 0]


def ppo(env, params, *, num_updates, learning_rate=0.02):
    """Return a pure function of a key: training, whose result is the mean return of episodes after each update."""
    network = ActorCritic(env.num_actions)
    optimizer = optax.adam(learning_rate)

    def collect(carry, key):
        weights, state, seen = carry
        act_key, env_key = jax.random.split(key)
        logits, value = network.apply(weights, seen)
        action = jax.random.categorical(act_key, logits)
        after, state, reward, terminated, truncated, info = jax.vmap(env.step, (0, 0, 0, None))(
            jax.random.split(env_key, NUM_ENVS), state, action, params
        )
        record = (seen, action, chosen(logits, action), value, reward, terminated | truncated)
        return (weights, state, after), (record, info["returned_episode_returns"])

    def loss(weights, batch, advantages, returns):
        seen, action, before = batch[:3]
        logits, value = network.apply(weights, seen)
        ratio = jnp.exp(chosen(logits, action) - before)
        gain = (advantages - advantages.mean()) / (advantages.std() + 1e-8)
        clipped = jnp.minimum(ratio * gain, jnp.clip(ratio, 1 - CLIP, 1 + CLIP) * gain)
        return jnp.square(value - returns).mean() / 2 - clipped.mean()

    def update(carry, key):
        weights, moments, state, seen = carry
        (_, state, seen), (batch, scores) = jax.lax.scan(
            collect, (weights, state, seen), jax.random.split(key, NUM_STEPS)
        )
        *_, value, reward, done = batch

        def back(following, step):
            paid, over = step
            following = paid + DISCOUNT * (1 - over) * following
            return following, following

        last = network.apply(weights, seen)[1]
        returns = jax.lax.scan(back, last, (reward, done), reverse=True)[1]
        for _ in range(EPOCHS):
            slope = jax.grad(loss)(weights, batch, returns - value, returns)
            change, moments = optimizer.update(slope, moments)
            weights = optax.apply_updates(weights, change)
        return (weights, moments, state, seen), scores[-1].mean()

    def train(key):
        init_key, reset_key, key = jax.random.split(key, 3)
        seen, state = jax.vmap(env.reset, (0, None))(jax.random.split(reset_key, NUM_ENVS), params)
        weights = network.init(init_key, seen)
        start = (weights, optimizer.init(weights), state, seen)
        return jax.lax.scan(update, start, jax.random.split(key, num_updates))[1]

    return train


def chosen(logits, action):
    return jnp.take_along_axis(nn.log_softmax(logits), action[..., None], -1)[..., 0]


@pytest.mark.parametrize(("opponent", "reached"), [("tit-for-tat", 0.3), ("always-cooperate", 0.65)])
def test_a_loop_of_purejaxrls_kind_trains_many_seeds_at_once(opponent, reached):
    game = polax.make_env("IPD-v0", max_steps_in_episode=NUM_STEPS)
    env, params = polax.single_agent(*game, opponent=opponent)
    train = ppo(LogWrapper(env), params, num_updates=120)
    scores = jax.jit(jax.vmap(train))(jax.random.split(jax.random.key(0), 3)) / NUM_STEPS
    assert (scores[:, -1] > reached).all(), scores[:, -1]
