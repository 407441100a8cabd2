"""What stands on the pages, that nothing of it can break them, and that they ask nobody for anything."""

import base64
import hashlib
import json
import re
import shutil
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from polax.runner.cli import main
from report_samples import benchmark, coin_tournament, tournament, write_benchmark, write_tournament

Fails = Callable[..., str]
EVIL = '</script><script>alert(1)</script><img src=x onerror="alert(2)">&amp;\'"'


class Page(HTMLParser):
    """The parts of a page that the tests look at; it fails where tags do not match."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.scripts: list[str] = []
        self.tables: list[list[list[str]]] = []
        self._open: list[str] = []
        self._tips: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in ("meta", "input", "br"):
            self._open.append(tag)
        if tag == "table":
            self.tables.append([])
        if tag == "tr":
            self.tables[-1].append([])
        if tag in ("td", "th"):
            self.tables[-1][-1].append("")

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "script" in self._open:
            self.scripts.append(data)
        elif self._open[-1:] == ["title"] and "svg" in self._open:
            self._tips.append(data)
        elif "style" not in self._open:
            self.words.append(data)
            if {"td", "th"} & {*self._open}:
                self.tables[-1][-1][-1] += data

    @property
    def shown(self) -> str:
        return " ".join(self.words)

    @property
    def tips(self) -> list[str]:
        return self._tips

    @property
    def data(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.scripts[0])
        return found

    def all(self, tag: str, **attributes: str) -> list[dict[str, str | None]]:
        wanted = {name.rstrip("_").replace("_", "-"): value for name, value in attributes.items()}
        return [found for name, found in self.elements if name == tag and wanted.items() <= found.items()]


def _make(folder: Path) -> Page:
    assert main(["report", str(folder)]) == 0
    return Page((folder / "report.html").read_text(encoding="utf-8"))


@pytest.fixture
def matrix_page(tmp_path: Path) -> Page:
    return _make(write_tournament(tmp_path / "t", tournament()))


@pytest.fixture
def coin_page(tmp_path: Path) -> Page:
    return _make(write_tournament(tmp_path / "t", coin_tournament()))


@pytest.fixture
def benchmark_page(tmp_path: Path) -> Page:
    return _make(write_benchmark(tmp_path / "b"))


@pytest.fixture(params=["matrix_page", "coin_page", "benchmark_page"])
def page(request: pytest.FixtureRequest) -> Page:
    found: Page = request.getfixturevalue(request.param)
    return found


def test_a_page_asks_nobody_for_anything(page: Page) -> None:
    for name in ("src", "srcset", "action", "data", "poster"):
        assert not [found for _, found in page.elements if name in found]
    assert all((found["href"] or "").startswith("#") for _, found in page.elements if "href" in found)
    style = page.text.partition("<style>")[2].partition("</style>")[0]
    assert "@import" not in style
    assert "url(" not in style
    assert not page.all("link")


def test_only_the_pages_own_script_may_run(page: Page) -> None:
    (policy,) = page.all("meta", http_equiv="Content-Security-Policy")
    digest = base64.b64encode(hashlib.sha256(page.scripts[1].encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in (policy["content"] or "")
    assert "default-src 'none'" in (policy["content"] or "")
    assert len(page.scripts) == 2
    assert not [name for _, found in page.elements for name in found if name.startswith("on")]


def test_a_page_can_be_read_by_programs_that_read_aloud(page: Page) -> None:
    ids = [found["id"] for _, found in page.elements if found.get("id")]
    assert len(ids) == len({*ids})
    references = [found.get("aria-labelledby") for _, found in page.elements if found.get("aria-labelledby")]
    links = [(found["href"] or "")[1:] for found in page.all("a")]
    assert links
    assert {*references, *links} <= {*ids}
    tags = [tag for tag, _ in page.elements]
    assert [tags.count(tag) for tag in ("main", "header", "nav", "h1")] == [1, 1, 1, 1]
    assert tags.count("caption") == tags.count("table")
    assert all(found.get("aria-label") or found.get("aria-hidden") for found in page.all("svg"))
    assert page.all("html", lang="en")


def test_the_payoffs_have_their_errors_and_what_each_player_index_gives(matrix_page: Page) -> None:
    names = ["tit-for-tat", "always-defect", "mine:0"]
    head, *rows = matrix_page.tables[0]
    assert head == ["", *names]
    assert rows[0] == ["tit-for-tat", "0.3300 ± 0.0000", "\N{MINUS SIGN}0.1117 ± 0.0000", "0.2541 ± 0.0120"]
    assert [row[0] for row in rows] == names
    assert sum(" against " in tip for tip in matrix_page.tips) == 9
    assert {"0 2", "2 2"} <= {found.get("data-cell") for found in matrix_page.all("g")}
    assert "tit-for-tat against mine:0: 0.2541 ± 0.0120 (as player 0 0.2541, as player 1 0.2541)" in matrix_page.tips
    assert "mine:0 against mine:0: 0.3300" in matrix_page.tips
    shown = " ".join(matrix_page.shown.split())
    assert "0.330 \N{MINUS SIGN}0.112 0.254" in shown


def test_rankings_measures_and_habits_are_tables(matrix_page: Page) -> None:
    _, ranking, measures, _, habits, players = matrix_page.tables
    each = ["as player 0", "as player 1", "gap"]
    assert ranking[0] == ["player", "place", "mean score", *each, "wins", "draws", "losses", "points"]
    assert ranking[1] == ["always-defect", "1", "0.2659 ± 0.0020", "0.2859", "0.2459", "0.0400", "2", "0", "0", "2"]
    assert measures[1][1:4] == ["self-play", "0.3300 (0.330, 0.330)", "0.0000"]
    assert measures[1][-2:] == ["0.3317", "0.2000"]
    assert measures[3][1:4] == ["co-play", "0.3300 (0.500, 0.160)", "0.3400"]
    assert measures[3][-2:] == ["\N{EN DASH}"] * 2
    assert habits[0] == ["player", "first step", "CC", "CD", "DC", "DD"]
    assert habits[2] == ["always-defect", "0.00", "\N{EN DASH}", "\N{EN DASH}", "0.00", "0.00"]
    assert players[3] == ["mine:0", "run", "pola-dice", "runs/mine", "0", "2"]
    assert "outer_lr" in matrix_page.shown
    assert "orbax-checkpoint not installed" in " ".join(matrix_page.shown.split())


def test_the_actions_of_another_game_keep_their_names(tmp_path: Path) -> None:
    shown = _make(write_tournament(tmp_path, tournament(action_names=["hare", "stag"]))).shown
    assert "Probability of choosing stag" in shown
    assert "C stands for stag, D for hare" in shown


def test_the_first_thing_on_the_page_is_who_did_best(matrix_page: Page) -> None:
    text = " ".join(matrix_page.shown.split())
    assert "Best mean score always-defect 0.266 per step" in text
    assert "Best head to head always-defect 2 of 2 points" in text
    assert "Best with itself tit-for-tat and mine:0 0.330 per step" in text


def test_the_script_gets_every_episode_and_the_payoffs(matrix_page: Page) -> None:
    data = matrix_page.data["episodes"]
    assert [episode["players"] for episode in data["episodes"]] == [[0, 0], [0, 1], [0, 2], [1, 1], [1, 2], [2, 2]]
    assert data["matrix"] == [[[0.0, 0.0], [0.665, -0.335]], [[-0.335, 0.665], [0.33, 0.33]]]
    second = data["episodes"][1]
    assert second["moves"] == [1, 0, 0, 0, 0, 0]
    assert [data["rewards"][number] for number in second["rewards"]] == [[-0.335, 0.665], [0.0, 0.0], [0.0, 0.0]]
    assert data["first"] == [2, 1]


def test_the_coin_game_has_boards_and_a_table_of_coins(coin_page: Page) -> None:
    data = coin_page.data["episodes"]
    assert (data["board"], data["matrix"]) == ([3, 3], None)
    assert data["episodes"][0]["boards"] == [
        [["coin", 1, 2, 0], ["player", 0, 0, 0], ["player", 1, 0, 1]],
        [["coin", 2, 2, 1], ["player", 0, 1, 0], ["player", 1, 2, 1]],
        [["coin", 2, 2, 1], ["player", 1, 1, 0], ["player", 0, 2, 1]],
    ]
    coins = next(table for table in coin_page.tables if "own-colour coins (proportion)" in table[0])
    assert coins[1] == ["tit-for-tat", "75.0%", "0.300", "0.100", "0.050"]
    assert coins[2][1] == "\N{EN DASH}"
    assert "policies" not in [found.get("id") for found in coin_page.all("section")]


def test_boards_of_two_coins_keep_both() -> None:
    from polax.runner.report.episodes import payload

    content = coin_tournament()
    for shown in content["episodes_shown"]:
        for board in shown["frames"]["boards"]:
            board.update(columns=5)
            board["pieces"].append({"name": "coin", "row": 0, "column": 0, "player": 1})
    assert [piece for piece in payload(content)["episodes"][0]["boards"][0] if piece[0] == "coin"] == [
        ["coin", 1, 2, 0],
        ["coin", 0, 0, 1],
    ]
    assert payload(content)["board"] == [3, 5]


def test_a_benchmark_has_curves_scores_and_failures(benchmark_page: Page) -> None:
    together, gap, defector = (table for table in benchmark_page.tables if "environment steps" in table[0])
    assert [row[1] for row in together[1:]] == ["0", "1,000", "2,000"]
    assert together[0][-3:] == ["player 0", "player 1", "gap"]
    # Two seeds, of which the range is shown. The gap is 0 in one, .2 in the other.
    players = ["0.200 (0.125 to 0.275)", "0.100 (0.075 to 0.125)"]
    assert together[2] == ["pola-dice", "1,000", "0.150 (0.125 to 0.175)", *players, "0.100 (0.000 to 0.200)"]
    assert gap[2] == ["pola-dice", "1,000", "0.100 (0.000 to 0.200)"]
    assert "pola-dice, environment steps 1,000: 0.150 (0.125 to 0.175)" in benchmark_page.tips
    assert [row[2] for row in defector[1:]] == ["\N{MINUS SIGN}0.250 (\N{MINUS SIGN}0.250 to \N{MINUS SIGN}0.250)"] * 3
    drawings = benchmark_page.all("svg", role="img")
    assert len(drawings) == 6
    assert drawings[0]["aria-label"] == "pola-dice in IPD-v0 (2 seeds, mean and range): Co-play"
    assert "pola-dice: 0.275 (0.250 to 0.300)" in benchmark_page.tips
    table = next(table for table in benchmark_page.tables if table[0][:3] == ["algorithm", "co-play", "gap"])
    assert table[1] == [
        "pola-dice",
        "0.275 (0.250 to 0.300)",
        "0.150 (0.100 to 0.200)",
        "\N{MINUS SIGN}0.250 (\N{MINUS SIGN}0.250 to \N{MINUS SIGN}0.250)",
    ]
    assert table[2] == ["broken", "failed", "failed", "failed"]
    players = next(table for table in benchmark_page.tables if "line-up" in table[0])
    assert players[0] == ["algorithm", "line-up", "mean", "player 0", "player 1", "gap"]
    assert players[1][1:4] == ["co-play", "0.275 (0.250 to 0.300)", "0.250 (0.200 to 0.300)"]
    assert [row[1] for row in players[1:]] == ["co-play", "always-defect"]
    text = " ".join(benchmark_page.shown.split())
    assert "broken in IPD-v0 ValueError: no </script><b>bold</b> today" in text
    assert "1 of 2 done 1 failed" in text
    assert "polax benchmark --out 'a folder'" in text


def test_a_damaged_run_takes_its_curves_away_and_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write_benchmark(tmp_path / "b")
    (folder / "runs/pola-dice-IPD-v0/metrics.jsonl").write_text("{nothing\n")
    page = _make(folder)
    assert [(found["aria-label"] or "")[:12] for found in page.all("svg", role="img")] == ["IPD-v0: inte"] * 3
    assert "metrics.jsonl line 1 is damaged" in page.shown
    assert "metrics.jsonl line 1 is damaged" in capsys.readouterr().err


def test_names_paths_and_errors_cannot_break_out_of_their_place(tmp_path: Path) -> None:
    page = _make(write_tournament(tmp_path / "t", tournament([EVIL, "always-defect", "mine:0"], env=EVIL)))
    assert page.shown.count(EVIL) > 5
    assert len(page.scripts) == 2
    assert "<" not in page.scripts[0]
    assert page.data["episodes"]["players"][0] == EVIL
    assert not page.all("img")
    rows = benchmark()["combinations"]
    rows[1] |= {"algorithm": EVIL, "error": EVIL, "env": EVIL}
    page = _make(write_benchmark(tmp_path / "b", combinations=rows, command=[EVIL]))
    assert len(page.scripts) == 2
    assert not page.all("img")
    assert EVIL in page.shown


def test_missing_numbers_and_a_single_player_are_shown_as_they_are(tmp_path: Path) -> None:
    content = tournament()
    content["scores"]["standard_error"] = [[None] * 3] * 3
    for row in content["rankings"]["mean_score"]:
        row["standard_error"] = None
    page = _make(write_tournament(tmp_path / "t", content))
    assert page.tables[1][1][2] == "0.2659"
    alone = tournament()
    keep = alone["players"][0]["name"]
    alone |= {
        "players": alone["players"][:1],
        "scores": {name: [table[0][:1]] for name, table in alone["scores"].items()},
        "rankings": {name: [row for row in rows if row["name"] == keep] for name, rows in alone["rankings"].items()},
        "measures": alone["measures"][:1],
        "policy_tables": {keep: alone["policy_tables"][keep]},
        "player_measures": {"measures": [], "values": {keep: {}}},
        "episodes_shown": alone["episodes_shown"][:1],
    }
    assert _make(write_tournament(tmp_path / "alone", alone)).data["episodes"]["first"] == [0, 0]


def test_a_benchmark_in_which_nothing_is_done_yet_has_a_page(tmp_path: Path) -> None:
    rows = [{**row, "status": "unfinished", "error": None, "scores": {}} for row in benchmark()["combinations"]]
    page = _make(write_benchmark(tmp_path / "b", combinations=rows[1:]))
    assert "Nothing was scored in this environment." in page.shown
    assert "none failed, 1 unfinished" in page.shown


def test_it_goes_where_it_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write_tournament(tmp_path / "t", tournament())
    assert main(["report", str(folder), "--out", str(tmp_path / "page.html")]) == 0
    assert capsys.readouterr().out == f"report: {tmp_path / 'page.html'}\n"
    assert not (folder / "report.html").exists()
    assert (tmp_path / "page.html").read_text(encoding="utf-8").startswith("<!doctype html>")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "tournament.json cannot be read, it is damaged or not what polax writes: "),
        ("[]", "it must be an object, not []"),
        (json.dumps(tournament(format=2)), "has format 2, this polax reads 1; use the polax that wrote it"),
        (
            json.dumps(tournament(kind="benchmark")),
            "is not what polax tournament writes; run it again, or give another",
        ),
        (json.dumps({"format": 1, "kind": "tournament"}), "is not what polax tournament writes: KeyError: "),
        (
            json.dumps(tournament(scores={"mean": [], "standard_error": [], "by_player": []})),
            "is not what polax tournament writes: IndexError: ",
        ),
        (json.dumps(tournament(players=5)), "is not what polax tournament writes: TypeError: "),
    ],
)
def test_a_damaged_file_is_one_line(content: str, message: str, tmp_path: Path, fails: Fails) -> None:
    (tmp_path / "tournament.json").write_text(content)
    assert message in fails("report", str(tmp_path))
    assert not (tmp_path / "report.html").exists()


def test_a_folder_without_results_is_one_line_that_says_what_to_do(tmp_path: Path, fails: Fails) -> None:
    assert "is not a folder; give the --out of a polax tournament, benchmark, sweep or league" in fails(
        "report", str(tmp_path / "x")
    )
    files = "tournament.json, results.json, trials.json, league.json"
    assert f"has none of {files}; give the --out" in fails("report", str(tmp_path))
    (tmp_path / "config.json").write_text("{}")
    assert f"it is one run: polax plot {tmp_path} draws its curves" in fails("report", str(tmp_path))
    (tmp_path / "config.json").rename(tmp_path / "benchmark.json")
    assert "the same polax benchmark command continues it" in fails("report", str(tmp_path))
    write_tournament(tmp_path, tournament())
    (tmp_path / "results.json").write_text("{}")
    assert "has both a tournament and a benchmark; put them in folders of their own" in fails("report", str(tmp_path))


def test_a_page_that_cannot_be_written_is_one_line(tmp_path: Path, fails: Fails) -> None:
    folder = write_tournament(tmp_path / "t", tournament())
    assert "is a folder; give a file, such as --out" in fails("report", str(folder), "--out", str(tmp_path))
    away = str(tmp_path / "nowhere" / "page.html")
    assert "nowhere is not a folder; make it first, or choose another --out" in fails(
        "report", str(folder), "--out", away
    )
    (folder / ".report.html.part").mkdir()  # where the file is written before it gets its name
    assert "cannot be written: Is a directory; choose another --out FILE.html" in fails("report", str(folder))


def test_colours_can_be_read_and_told_apart_in_both_themes(matrix_page: Page) -> None:
    from matplotlib.colors import to_hex
    from polax.runner.report import figures

    for share in range(64):
        colour = to_hex(figures.HEAT(share))
        assert figures.contrast(colour, figures.ink(colour)) >= 4.5
    assert figures.contrast("#ffffff", "#000000") == pytest.approx(21)
    assert len({*figures.SERIES}) == len(figures.DASHES) == 7
    styles = " ".join(found.get("style") or "" for _, found in matrix_page.elements)
    assert "var(--muted)" in styles  # what a theme changes is left to it
    assert figures.MUTED not in styles


def test_ids_of_two_drawings_on_one_page_differ_and_their_references_are_kept() -> None:
    from polax.runner.report.figures import figure_of
    from polax.runner.report.parts import Chart, Panel
    from polax.runner.report.svg import for_page

    chart = Chart("c", "Same", [Panel("p", lambda axes: axes.plot([1, 2], "o"))])
    one, other = (for_page(figure_of(chart), "Same", prefix) for prefix in ("a", "b"))
    ids = [{*re.findall(r' id="([^"]+)"', text)} for text in (one, other)]
    assert ids[0]
    assert not ids[0] & ids[1]
    assert {*re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)', one)} <= {
        *((name, "") for name in ids[0]),
        *(("", name) for name in ids[0]),
    }


def test_long_scripts_and_formulas_in_names_are_drawn_as_they_are() -> None:
    from polax.runner.report.figures import Estimate, draw_estimates, figure_of
    from polax.runner.report.parts import Chart, Panel
    from polax.runner.report.svg import for_page

    names = ["$\\frac{", "名前", "x" * 200, "_hidden", "<b>&"]
    estimates = [Estimate(name, place, 0.5, 0.25, 1.0, [0.5]) for place, name in enumerate(names)]
    drawn = for_page(
        figure_of(Chart("c", "t", [Panel("p", lambda axes: draw_estimates(axes, estimates, ""))])), "t", "p"
    )
    assert "$\\frac{" in drawn
    assert "名前" in drawn
    assert "&lt;b&gt;&amp;" in drawn


def test_ticks_of_large_numbers_are_short() -> None:
    from matplotlib.figure import Figure
    from polax.runner.report.figures import finish_curves

    axes = Figure().subplots()
    axes.plot([0, 1_500_000], [0.0, 1.0])
    finish_curves(axes, "environment steps", "", {})
    assert axes.xaxis.get_major_formatter().format_ticks([0, 20_000, 1_500_000]) == ["0", "20k", "1.5M"]


def test_a_page_holds_nothing_from_outside_its_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("a secret of this machine")
    for number, name in enumerate(("errors/broken-IPD-v0.txt", "runs/pola-dice-IPD-v0/metrics.jsonl")):
        folder = write_benchmark(tmp_path / str(number))
        (folder / name).unlink()
        (folder / name).symlink_to(secret)
        assert "a secret of this machine" not in _make(folder).shown
        assert f"leads out of {folder}" in capsys.readouterr().err
    rows = benchmark()["combinations"]
    for place in ("../0/runs/pola-dice-IPD-v0", str(tmp_path), "runs/\0"):
        folder = write_benchmark(tmp_path / "paths", combinations=[{**rows[0], "run": place}, *rows[1:]])
        _make(folder)
        error = capsys.readouterr().err
        assert "leads out of" in error or "is not a path" in error
        shutil.rmtree(folder)
