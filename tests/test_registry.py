"""Names, plug-ins and options: `polax.registry`, `polax.options`, `polax.envs.views.ids`."""

import dataclasses
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

import polax
import pytest
from polax.algorithms.base import Algorithm, AlgorithmPlugin
from polax.envs.base import EnvironmentPlugin

GOOD_PLUGIN = """
import dataclasses
from polax.algorithms.base import Algorithm, AlgorithmPlugin
@dataclasses.dataclass(frozen=True)
class Config:
    size: int = 3
def build(env, params, config):
    return Algorithm(init=lambda key: config, update=lambda key, state: (state, {}), policies=lambda state: ())
PLUGIN = AlgorithmPlugin(Config, build, "works")
OLD = PLUGIN._replace(api_version=0)
"""


@dataclasses.dataclass(frozen=True)
class Options:
    inner_steps: int = 1
    learning_rate: float = 0.1
    layout: Literal["egocentric", "shared"] = "egocentric"
    payoffs: tuple[tuple[float, ...], ...] | None = None
    keep: bool = False

    def __post_init__(self) -> None:
        if self.inner_steps < 0:
            raise ValueError(f"inner_steps must be 0 or more, not {self.inner_steps}")


def _build(env: Any, params: Any, config: Any) -> Algorithm:
    if config.keep and env is None:
        raise ValueError("keep needs an environment")
    return Algorithm(init=lambda key: config, update=lambda key, state: (state, {}), policies=lambda state: ())


TOY = AlgorithmPlugin(Options, _build, "a toy")


@pytest.fixture
def toy(registry: ModuleType) -> AlgorithmPlugin:
    registry.register_algorithm("toy", TOY)
    return TOY


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Return a function that installs a tiny distribution: its metadata folder, and a module if source is given."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def write(name: str, entry_points: str, source: str = "", *, folder: str = "dist-info") -> Path:
        record = tmp_path / f"{name}-1.0.{folder}"
        record.mkdir()
        metadata = "METADATA" if folder == "dist-info" else "PKG-INFO"
        (record / metadata).write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (record / "entry_points.txt").write_text(entry_points)
        if source:
            (tmp_path / f"{name}.py").write_text(source)
        return tmp_path

    return write


def _algorithm_rows(name: str) -> list[polax.Listing]:
    return [row for row in polax.list_algorithms() if row.name == name]


def test_built_in_names_come_from_entry_points_of_polax_itself() -> None:
    for rows in (polax.list_environments(), polax.list_algorithms()):
        assert {row.distribution for row in rows if row.name in ("IPD-v0", "CoinGame-v0", "pola-dice")} == {"polax"}
    assert {"IPD-v0", "StagHunt-v0", "Chicken-v0", "MatchingPennies-v0", "CoinGame-v0"} <= {
        row.name for row in polax.list_environments()
    }


def test_an_installed_plug_in_is_listed_with_its_origin_and_loaded_only_when_asked_for(install: Any) -> None:
    install("good_plugin", "[polax.algorithms]\nmine = good_plugin:PLUGIN\n", GOOD_PLUGIN)
    assert _algorithm_rows("mine") == [polax.Listing("mine", "good-plugin", "1.0", "good_plugin:PLUGIN", None)]
    assert "good_plugin" not in sys.modules
    assert polax.make_algorithm("mine", None, None, size=5).init(None).size == 5
    del sys.modules["good_plugin"]


@pytest.mark.parametrize(
    ("name", "target", "source", "message"),
    [
        (
            "broken_import",
            "broken_import:PLUGIN",
            "import a_module_nobody_has",
            "No module named 'a_module_nobody_has'",
        ),
        ("broken_missing", "broken_missing:PLUGIN", "x = 1", "has no attribute 'PLUGIN'"),
        ("broken_raises", "broken_raises:PLUGIN", "raise OSError('no\\nlicence')", "OSError: no licence"),
        ("broken_type", "broken_type:PLUGIN", "PLUGIN = 7", "int has no config, build, summary, api_version"),
        ("broken_version", "broken_version:OLD", GOOD_PLUGIN, "version 0 of the algorithm contract"),
        ("broken_nothing", "broken_nothing_at_all:X", "", "No module named 'broken_nothing_at_all'"),
    ],
)
def test_a_broken_plug_in_names_its_distribution_and_harms_nothing_else(
    install: Any, name: str, target: str, source: str, message: str
) -> None:
    install(name, f"[polax.algorithms]\nbad = {target}\n", source)
    assert len(_algorithm_rows("bad")) == 1
    with pytest.raises(polax.PluginError) as caught:
        polax.algorithm_plugin("bad")
    assert message in str(caught.value)
    assert f"{name.replace('_', '-')} 1.0" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert polax.environment_plugin("IPD-v0").summary


def test_the_error_of_a_plug_in_that_does_not_import_keeps_its_cause(install: Any) -> None:
    install("broken_cause", "[polax.algorithms]\nbad = broken_cause:PLUGIN\n", "1 / 0")
    with pytest.raises(polax.PluginError) as caught:
        polax.algorithm_plugin("bad")
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


def test_two_distributions_with_one_name_are_both_named_when_it_is_asked_for(install: Any) -> None:
    install("first_claim", "[polax.algorithms]\nshared = first_claim:PLUGIN\n", GOOD_PLUGIN)
    install("second_claim", "[polax.algorithms]\nshared = second_claim:PLUGIN\n", GOOD_PLUGIN)
    assert [row.distribution for row in _algorithm_rows("shared")] == ["first-claim", "second-claim"]
    with pytest.raises(polax.PluginError, match=r"first-claim 1\.0 and second-claim 1\.0"):
        polax.algorithm_plugin("shared")
    assert polax.algorithm_plugin("second_claim:PLUGIN").summary == "works"


def test_a_stale_second_record_of_one_distribution_is_no_clash(install: Any) -> None:
    install("twice", "[polax.algorithms]\nolder = twice:GONE\nboth = twice:PLUGIN\n", folder="egg-info")
    install("twice", "[polax.algorithms]\nboth = twice:PLUGIN\n", GOOD_PLUGIN)
    assert len(_algorithm_rows("both")) == 1
    assert _algorithm_rows("older") == []
    assert polax.algorithm_plugin("both").summary == "works"


def test_an_unreadable_entry_point_table_warns_and_the_others_go_on(install: Any) -> None:
    install("unreadable", "[polax.algorithms]\nthis is no entry point\n")
    with pytest.warns(UserWarning, match="polax ignores the plug-ins of unreadable"):
        names = {row.name for row in polax.list_algorithms()}
    assert "naive" in names


def test_a_plug_in_installed_while_running_is_found(install: Any) -> None:
    with pytest.raises(polax.UnknownNameError):
        polax.algorithm_plugin("late")
    install("late_plugin", "[polax.algorithms]\nlate = late_plugin:PLUGIN\n", GOOD_PLUGIN)
    assert polax.algorithm_plugin("late").summary == "works"


@pytest.mark.parametrize(
    ("find", "wrong", "meant"),
    [
        (polax.algorithm_plugin, "pola-dise", "'pola-dice'"),
        (polax.algorithm_plugin, "POLA-DICE", "'pola-dice'"),
        (polax.environment_plugin, "ipd", "'IPD-v0'"),
        (polax.environment_plugin, "CoinGame", "'CoinGame-v0'"),
    ],
)
def test_an_unknown_name_gets_the_nearest_match(find: Callable[[str], Any], wrong: str, meant: str) -> None:
    with pytest.raises(polax.UnknownNameError, match=f"did you mean {meant}"):
        find(wrong)


def test_a_name_like_nothing_gets_the_whole_list() -> None:
    with pytest.raises(polax.UnknownNameError, match=r"there are .*lola-dice.*pola-dice"):
        polax.algorithm_plugin("zzzzzzzz")


def test_a_name_that_is_no_string_is_refused() -> None:
    with pytest.raises(polax.UnknownNameError, match="not 7"):
        polax.algorithm_plugin(7)  # type: ignore[arg-type]


@pytest.mark.usefixtures("registry")
def test_a_registered_algorithm_is_made_and_may_be_registered_again() -> None:
    polax.register_algorithm("mine", TOY)
    polax.register_algorithm("mine", TOY._replace(summary="better"))
    assert polax.algorithm_plugin("mine").summary == "better"
    assert _algorithm_rows("mine")[0].distribution == "(registered)"


@pytest.mark.usefixtures("registry")
def test_registering_does_not_take_an_installed_name_unless_told_to() -> None:
    with pytest.raises(polax.PluginError, match="belongs to polax"):
        polax.register_algorithm("pola-dice", TOY)
    polax.register_algorithm("pola-dice", TOY, replace=True)
    assert polax.algorithm_plugin("pola-dice") is TOY


@pytest.mark.parametrize("name", ["", "a:b", " padded"])
def test_a_name_that_could_not_be_asked_for_is_not_registered(name: str) -> None:
    with pytest.raises(polax.PluginError, match="a word without"):
        polax.register_algorithm(name, TOY)


@pytest.mark.parametrize(
    ("plugin", "message"),
    [
        (TOY._replace(config=dict), "config must be a dataclass"),
        (TOY._replace(build=None), "build must be callable"),
        (object(), "object has no config"),
        (TOY._replace(api_version=99), "version 99"),
    ],
)
def test_an_object_that_is_no_plug_in_is_not_registered(plugin: Any, message: str) -> None:
    with pytest.raises(polax.PluginError, match=message):
        polax.register_algorithm("mine", plugin)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"inner_step": 2}, "toy has no option 'inner_step'; did you mean 'inner_steps'?"),
        ({"zzz": 2}, "its options are inner_steps, learning_rate"),
        ({"inner_steps": "two"}, "inner_steps must be a whole number, not 'two'"),
        ({"inner_steps": 1.5}, "inner_steps must be a whole number, not 1.5"),
        ({"inner_steps": True}, "inner_steps must be a whole number, not True"),
        ({"inner_steps": -1}, "inner_steps must be 0 or more, not -1"),
        ({"learning_rate": "fast"}, "learning_rate must be a number"),
        ({"layout": "round"}, "layout must be one of 'egocentric', 'shared', not 'round'"),
        ({"keep": 1}, "keep must be True or False, not 1"),
        ({"payoffs": 3}, "payoffs must be .* or None, not 3"),
        ({"keep": True}, "toy: keep needs an environment"),
    ],
)
def test_a_bad_option_gets_one_line_that_says_what_is_allowed(toy: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises(polax.OptionError, match=message) as caught:
        polax.make_algorithm("toy", None, None, **options)
    assert "\n" not in str(caught.value)


def test_options_read_from_json_give_the_configuration_that_was_written(toy: Any) -> None:
    made = polax.make_algorithm("toy", None, None, payoffs=[[1, 2], [3, 4]], learning_rate=1)
    assert made.init(None) == Options(payoffs=((1, 2), (3, 4)), learning_rate=1)
    assert hash(made.init(None)) == hash(Options(payoffs=((1, 2), (3, 4)), learning_rate=1))


def test_an_environment_is_made_with_its_options() -> None:
    env, params = polax.make_env("IPD-v0")
    assert env.num_actions == 2
    assert params is not None
    with pytest.raises(polax.OptionError, match="IPD-v0"):
        polax.make_env("IPD-v0", no_such_option=1)


def _python(code: str, *, timeout: float = 60) -> str:
    """Run code in a fresh interpreter, warnings as errors, from a neutral folder."""
    command = [sys.executable, "-c", code]
    environment = {**os.environ, "PYTHONWARNINGS": "error:::polax"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, cwd="/", env=environment)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    "order", ["import gymnax, polax", "import polax, gymnax", "import polax; from gymnax import make"]
)
def test_ids_work_in_gymnax_in_any_import_order(order: str) -> None:
    out = _python(
        f"{order}\nimport gymnax, importlib, polax\nimportlib.reload(polax)\n"
        "env, params = gymnax.make('IPD-v0', contribution_factor=1.6)\n"
        "print(env.name, float(params.contribution_factor) if hasattr(params, 'contribution_factor') else params)\n"
        "assert gymnax.registered_envs.count('CoinGame-v0') == 1\n"
    )
    assert "IPD" in out


def test_ids_are_known_to_gymnasium_in_any_import_order_without_loading_a_game() -> None:
    for order in ("import gymnasium, polax", "import polax, gymnasium"):
        _python(
            f"{order}\nimport sys, importlib\nimportlib.reload(polax)\n"
            "spec = gymnasium.spec('CoinGame-v0')\n"
            "assert spec.kwargs == {'env_id': 'CoinGame-v0'}, spec\n"
            "assert spec.entry_point == 'polax.envs.views.gymnasium:GameEnv', spec\n"
            "assert 'jax' not in sys.modules and 'gymnax' not in sys.modules\n"
        )


def test_gymnasium_makes_an_id_with_the_package_named_in_it() -> None:
    out = _python(
        "import gymnasium\n"
        "env = gymnasium.make('polax:IPD-v0', opponent='tit-for-tat', max_steps_in_episode=3)\n"
        "observation, _ = env.reset(seed=0)\n"
        "print(observation.shape, env.unwrapped.spec.id)"
    )
    assert out.split() == ["(6,)", "IPD-v0"]


@pytest.mark.usefixtures("registry")
def test_registering_an_environment_makes_its_id_known_everywhere() -> None:
    import gymnasium
    import gymnax

    plugin: EnvironmentPlugin = polax.environment_plugin("IPD-v0")
    polax.register_environment("AnotherIPD-v0", plugin)
    polax.register_environment("AnotherIPD-v0", plugin)
    assert gymnax.registered_envs.count("AnotherIPD-v0") == 1
    assert gymnasium.spec("AnotherIPD-v0").kwargs == {"env_id": "AnotherIPD-v0"}
    gymnasium.registry.pop("AnotherIPD-v0")


@dataclasses.dataclass
class Always:
    """A policy of ordinary Python that remembers how it was made."""

    made_of: Any

    def initial_memory(self, num_envs: int) -> list[int]:
        return [0] * num_envs

    def act(self, key: Any, observation: Any, memory: Any) -> Any:
        return [1] * len(memory), memory


POLICY_PLUGIN = """
class Constant:
    def __init__(self, *made_of): self.made_of = made_of
    def initial_memory(self, num_envs): return ()
    def act(self, key, observation, memory): return [0] * len(observation), memory
def resolve(reference, game, params, player):
    if reference == "wrong": raise ValueError("there is no\\nsuch thing")
    return None if reference == "nothing" else Constant(reference, game.name, player)
"""


@pytest.fixture
def ipd() -> tuple[Any, Any]:
    return polax.make_env("IPD-v0", max_steps_in_episode=5)


def test_the_built_in_prefixes_come_from_entry_points_of_polax_itself() -> None:
    rows = {row.name: row for row in polax.list_policies()}
    assert rows["run"].distribution == rows["axelrod"].distribution == "polax"
    assert rows["run"].error is None


def test_a_strategy_is_made_for_the_game_and_the_player_that_are_asked_for(ipd: Any) -> None:
    class Spied(type(ipd[0])):  # type: ignore[misc]
        strategies = {"spy": lambda game, player: Always((game, player))}  # noqa: RUF012

    game = Spied()
    for player in (0, 1):
        policy: Any = polax.make_policy("spy", game, ipd[1], player=player)
        assert policy.made_of == (game, player)


def test_a_policy_is_its_own_reference(ipd: Any) -> None:
    policy = Always("hand")
    assert polax.make_policy(policy, *ipd) is policy


@pytest.mark.usefixtures("registry")
def test_a_registered_prefix_gets_what_follows_it_and_the_game(ipd: Any) -> None:
    polax.register_policy("mine", lambda *given: Always(given))
    env, params = ipd
    policy: Any = polax.make_policy("mine:a:b/c#3", env, params, player=1)
    assert policy.made_of == ("a:b/c#3", env, params, 1)
    polax.register_policy("mine", lambda *given: Always("new"))
    policy = polax.make_policy("mine:", env, params)
    assert policy.made_of == "new"
    assert polax.Listing("mine", "(registered)", "", "", None) in polax.list_policies()


@pytest.mark.usefixtures("registry")
def test_an_object_of_a_library_goes_to_the_prefix_of_that_name(ipd: Any) -> None:
    polax.register_policy("mylib", lambda reference, *rest: Always(reference))
    base = type("Base", (), {"__module__": "mylib.models"})
    model = type("Model", (base,), {"__module__": "__main__"})()
    policy: Any = polax.make_policy(model, *ipd)
    assert policy.made_of is model


def test_an_installed_prefix_is_listed_and_loaded_only_when_asked_for(install: Any, ipd: Any) -> None:
    install("policy_plugin", "[polax.policies]\nconst = policy_plugin:resolve\n", POLICY_PLUGIN)
    assert polax.Listing("const", "policy-plugin", "1.0", "policy_plugin:resolve", None) in polax.list_policies()
    assert "policy_plugin" not in sys.modules
    policy: Any = polax.make_policy("const:x", *ipd, player=1)
    assert policy.made_of == ("x", "IPD-v0", 1)
    with pytest.raises(polax.PluginError, match=r"'const' returned None for 'nothing', which is not a policy"):
        polax.make_policy("const:nothing", *ipd)
    with pytest.raises(polax.OptionError, match=r"^const:wrong: there is no such thing$"):
        polax.make_policy("const:wrong", *ipd)
    del sys.modules["policy_plugin"]


def test_a_prefix_whose_plug_in_does_not_load_names_its_distribution(install: Any, ipd: Any) -> None:
    install("policy_broken", "[polax.policies]\nbad = policy_broken:resolve\nseven = policy_broken:X\n", "X = 7\n")
    with pytest.raises(polax.PluginError, match=r"'bad' of policy-broken 1\.0 cannot be loaded: AttributeError"):
        polax.make_policy("bad:x", *ipd)
    with pytest.raises(polax.PluginError, match=r"'seven' of policy-broken 1\.0 must be a function .* not 7"):
        polax.make_policy("seven:x", *ipd)
    assert polax.make_policy("grim", *ipd) is not None


@pytest.mark.parametrize(
    ("reference", "error", "message"),
    [
        ("axelrood:Grudger", polax.UnknownNameError, "unknown policy prefix 'axelrood'; did you mean 'axelrod'"),
        ("zzzz:Grudger", polax.UnknownNameError, "unknown policy prefix 'zzzz'; there are axelrod, .*run"),
        (":x", polax.UnknownNameError, "IPD-v0 has no strategy ':x'"),
        ("tit-for-tt", polax.UnknownNameError, "IPD-v0 has no strategy 'tit-for-tt'.*did you mean 'tit-for-tat'"),
        ("", polax.UnknownNameError, "IPD-v0 has no strategy ''"),
        ("#3", polax.UnknownNameError, "IPD-v0 has no strategy '#3'"),
        (3, polax.OptionError, "prefixes axelrod, run.*; got 3"),
        (Always, polax.OptionError, "got <class"),
    ],
)
def test_a_reference_to_nothing_says_what_there_is(ipd: Any, reference: Any, error: type, message: str) -> None:
    with pytest.raises(error, match=message) as caught:
        polax.make_policy(reference, *ipd)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("player", [2, -1, "red", 0.5, None])
def test_a_player_that_the_game_does_not_have_is_refused(ipd: Any, player: Any) -> None:
    with pytest.raises(polax.OptionError, match=r"player must be a whole number from 0 to 1"):
        polax.make_policy("grim", *ipd, player=player)


@pytest.mark.usefixtures("registry")
def test_what_is_not_a_resolver_and_a_prefix_that_is_taken_are_not_registered() -> None:
    with pytest.raises(polax.PluginError, match="must be a function"):
        polax.register_policy("mine", 7)  # type: ignore[arg-type]
    with pytest.raises(polax.PluginError, match="belongs to polax"):
        polax.register_policy("run", lambda *given: Always(given))
    with pytest.raises(polax.PluginError, match="a word without"):
        polax.register_policy("a:b", lambda *given: Always(given))


def test_a_watched_module_keeps_its_own_loader_source_and_neighbours() -> None:
    _python(
        "import importlib, importlib.util, inspect, sys, polax\n"
        "from importlib.machinery import SourceFileLoader\n"
        "before = importlib.util.find_spec('gymnasium.envs.registration')\n"
        "assert 'def register' in before.loader.get_source('gymnasium.envs.registration')\n"
        "import gymnasium\n"
        "from gymnasium.envs import registration\n"
        "for _ in range(2):\n"
        "    assert type(registration.__spec__.loader) is SourceFileLoader\n"
        "    assert registration.__loader__ is registration.__spec__.loader\n"
        "    assert 'exec_module' not in vars(registration.__loader__)\n"
        "    assert 'def register' in inspect.getsource(registration)\n"
        "    assert 'CoinGame-v0' in registration.registry\n"
        "    importlib.reload(registration)\n"
        "from importlib.resources import files\n"
        "assert files('gymnasium').joinpath('envs', 'registration.py').is_file()\n"
        "assert files('gymnasium.envs').joinpath('registration.py').is_file()\n"
    )


def test_importing_polax_is_quick_and_loads_no_numerical_library() -> None:
    out = _python(
        "import time, sys; start = time.perf_counter(); import polax; print(time.perf_counter() - start)\n"
        "polax.list_environments(); polax.list_algorithms(); polax.__version__\n"
        "heavy = {'jax', 'numpy', 'gymnax', 'gymnasium', 'flax', 'matplotlib', 'orbax'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    assert float(out) < 0.5


def test_polax_has_no_attribute_it_does_not_have() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        polax.nonsense  # noqa: B018


def test_what_is_registered_and_allowed_in_isolation_is_forgotten_after_it() -> None:
    with polax.registry.isolated():
        polax.register_algorithm("mine", TOY)
        polax.registry.allow_import("mine_module:MINE")
        with polax.registry.isolated():
            assert polax.algorithm_plugin("mine") is TOY
            polax.register_algorithm("mine", TOY._replace(summary="better"))
            with pytest.raises(polax.PluginError, match="names code to import"):
                polax.registry.check_import("mine_module:MINE", source="config.json")
        assert polax.algorithm_plugin("mine") is TOY
        polax.registry.check_import("mine_module:MINE", source="config.json")
    assert not _algorithm_rows("mine")
