"""What a benchmark trains: pairs of learners."""

from polax.runner.benchmark.plan import Protocol, combinations, with_pairs

LEARNERS = ["naive-exact", "lola-exact", "pola-exact"]


def test_every_learner_is_beside_every_other_one_once():
    names, _ = with_pairs(LEARNERS, {})
    assert names == [*LEARNERS, "naive-exact+lola-exact", "naive-exact+pola-exact", "lola-exact+pola-exact"]


def test_a_learner_that_trains_all_players_and_a_pair_that_is_named_are_in_no_further_pair():
    names, _ = with_pairs(["naive", "loqa", "no_such_module:LEARNER", "pola-om+naive"], {})
    assert names == ["naive", "loqa", "no_such_module:LEARNER", "pola-om+naive"]


def test_a_learner_has_the_same_options_in_every_pair_but_those_of_the_pair():
    given = {
        "naive-exact": {"outer_lr": 0.5},
        "lola-exact": {"outer_lr": 1.0, "inner_lr": 3.0},
        "naive-exact+lola-exact": {"player_1": {"inner_lr": 2.0}},
        "IPD-v0": {"contribution_factor": 1.5},
    }
    names, options = with_pairs(["naive-exact", "lola-exact"], given)
    planned = combinations(
        Protocol(algorithms=tuple(names), envs=("IPD-v0",), num_seeds=2, preset="laptop", options=options)
    )
    specs = {each.algorithm: each.spec for each in planned}
    pair = specs["naive-exact+lola-exact"].options
    assert specs["lola-exact"].options["inner_lr"] == 3.0
    assert (pair["player_0"]["outer_lr"], pair["player_1"]["outer_lr"], pair["player_1"]["inner_lr"]) == (0.5, 1.0, 2.0)
    assert {spec.env_options["contribution_factor"] for spec in specs.values()} == {1.5}
