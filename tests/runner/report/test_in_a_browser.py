"""The pages in headless Chromium: they load without errors, move, fit a phone, turn dark, and print."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax
import numpy as np
import polax
import pytest
from polax.algorithms.core import networks
from polax.runner.cli import main
from report_samples import benchmark, coin_tournament, tournament, write_benchmark, write_tournament

pytestmark = pytest.mark.browser

SWITCHES = ("--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking")
DESKTOP, PHONE = (1180, 900), (360, 740)


def _program(variable: str, *names: str) -> str:
    """Return the path of a program, or skip the test: the environment variable says where else it may be."""
    found = os.environ.get(variable) or next(filter(None, map(shutil.which, names)), None)
    if found is None:
        pytest.skip(f"none of {', '.join(names)} is installed here (or say where it is: {variable}=/path/to/it)")
    return found


class Browser:
    """What the tests do with a page."""

    def __init__(self, driver: Any) -> None:
        self.driver = driver

    def open(self, page: Path, size: tuple[int, int] = DESKTOP, **media: str) -> None:
        features = [{"name": name.replace("_", "-"), "value": value} for name, value in media.items()]
        self.command("Emulation.setEmulatedMedia", media="", features=features)
        self.command(
            "Emulation.setDeviceMetricsOverride", width=size[0], height=size[1], deviceScaleFactor=1, mobile=False
        )
        self.driver.get(page.as_uri())

    def command(self, name: str, **arguments: Any) -> Any:
        return self.driver.execute_cdp_cmd(name, arguments)

    def run(self, script: str) -> Any:
        return self.driver.execute_script(script)

    def value(self, expression: str) -> Any:
        return self.run(f"return {expression}")

    def text(self, selector: str) -> str:
        return str(self.value(f"document.querySelector('{selector}').textContent"))

    def click(self, selector: str) -> None:
        self.run(f"document.querySelector('{selector}').dispatchEvent(new MouseEvent('click', {{bubbles: true}}))")

    def keys(self, selector: str, *keys: str) -> None:
        self.driver.find_element("css selector", selector).send_keys(*keys)

    def wait(self, expression: str, seconds: float = 5.0) -> None:
        from selenium.webdriver.support.wait import WebDriverWait

        WebDriverWait(self.driver, seconds, poll_frequency=0.05).until(lambda _: self.value(expression))

    def errors(self) -> list[str]:
        return [str(entry["message"]) for entry in self.driver.get_log("browser")]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    webdriver = pytest.importorskip(
        "selenium.webdriver", reason="selenium is not installed: pip install 'polax[browser]'"
    )
    options = webdriver.ChromeOptions()
    options.binary_location = _program("CHROMIUM", "chromium", "chromium-browser", "google-chrome")
    for switch in SWITCHES:
        options.add_argument(switch)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    service = webdriver.ChromeService(_program("CHROMEDRIVER", "chromedriver"))
    driver = webdriver.Chrome(options=options, service=service)
    yield Browser(driver)
    driver.quit()


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    home = tmp_path_factory.mktemp("pages")
    folders = {
        "matrix": write_tournament(home / "matrix", tournament()),
        "coin": write_tournament(home / "coin", coin_tournament()),
        "benchmark": write_benchmark(home / "benchmark"),
    }
    for folder in folders.values():
        assert main(["report", str(folder)]) == 0
    return {name: folder / "report.html" for name, folder in folders.items()}


@pytest.mark.parametrize("name", ["matrix", "coin", "benchmark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_page_loads_without_errors_and_fits(
    name: str, size: tuple[int, int], scheme: str, browser: Browser, pages: dict[str, Path]
) -> None:
    browser.open(pages[name], size, prefers_color_scheme=scheme)
    assert browser.errors() == []
    assert browser.value("document.documentElement.scrollWidth") <= size[0]
    assert browser.value("window.innerWidth") == size[0]
    browser.run("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    assert browser.value("document.documentElement.scrollWidth") <= size[0]


def test_long_names_and_errors_do_not_widen_a_phones_page(browser: Browser, tmp_path: Path) -> None:
    name = "a" * 70
    rows = [{**row, "algorithm": name, "error": name * 3} for row in benchmark()["combinations"]]
    folders = (
        write_tournament(tmp_path / "t", tournament([name, f"{name}:1", "mine:0"])),
        write_benchmark(tmp_path / "b", combinations=rows),
    )
    for folder in folders:
        assert main(["report", str(folder)]) == 0
        browser.open(folder / "report.html", PHONE)
        assert browser.value("document.documentElement.scrollWidth") <= PHONE[0]


def test_what_is_too_wide_for_a_phone_scrolls_in_its_own_box(browser: Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["matrix"], PHONE)
    boxes = "[...document.querySelectorAll('.scroll')].filter((box) => box.scrollWidth > box.clientWidth)"
    assert browser.value(f"{boxes}.length") > 0
    assert browser.value(f"{boxes}.every((box) => box.tabIndex === 0)")
    small = "[...document.querySelectorAll('#episode button, #episode select')].map((e) => e.getBoundingClientRect())"
    assert browser.value(f"{small}.every((box) => box.height >= 36 && box.width >= 36 && box.right <= 360)")


@pytest.mark.parametrize("name", ["matrix", "benchmark"])
def test_the_dark_theme_is_dark_and_all_text_can_be_read_in_both(
    name: str, browser: Browser, pages: dict[str, Path]
) -> None:
    measure = """
    const light = (c) => c.map((v) => v / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
      .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
    const numbers = (text) => text.match(/[\\d.]+/g).map(Number);
    const paper = (node) => {
      for (; node; node = node.parentElement) {
        const c = numbers(getComputedStyle(node).backgroundColor);
        if (c.length < 4 || c[3] === 1) return c.slice(0, 3);
      }
      return [255, 255, 255];
    };
    document.querySelectorAll("details").forEach((each) => { each.open = true; });
    const words = [...document.querySelectorAll("body *")].filter((node) => !node.closest("svg, script, noscript")
      && node.checkVisibility() && [...node.childNodes].some((c) => c.nodeType === 3 && c.data.trim()));
    const bad = [];
    for (const node of words) {
      const [a, b] = [light(numbers(getComputedStyle(node).color).slice(0, 3)), light(paper(node))];
      const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
      const large = parseFloat(getComputedStyle(node).fontSize) >= 18.66;
      if (ratio < (large ? 3 : 4.5)) bad.push(`${node.tagName}.${node.className} ${node.textContent}: ${ratio}`);
    }
    return [words.length, bad, light(numbers(getComputedStyle(document.body).backgroundColor))];
    """
    for scheme in ("light", "dark"):
        browser.open(pages[name], prefers_color_scheme=scheme)
        count, bad, background = browser.run(measure)
        assert count > 60
        assert bad == []
        assert (background < 0.05) == (scheme == "dark")


def test_pointing_at_a_payoff_shows_what_stands_behind_it(browser: Browser, pages: dict[str, Path]) -> None:
    from selenium.webdriver import ActionChains

    browser.open(pages["matrix"])
    assert browser.value("document.querySelectorAll('.choice [data-cell]').length") == 9
    cell = browser.driver.find_element("css selector", ".choice [data-cell='0 2']")
    ActionChains(browser.driver).move_to_element(cell).perform()
    assert browser.text("#tip").startswith("tit-for-tat against mine:0: 0.2541 ± 0.0120")
    assert browser.value("document.querySelector('#tip').checkVisibility()")
    ActionChains(browser.driver).move_to_element(browser.driver.find_element("css selector", "h1")).perform()
    assert not browser.value("document.querySelector('#tip').checkVisibility()")


def test_the_heat_map_is_walked_through_with_the_keyboard(browser: Browser, pages: dict[str, Path]) -> None:
    from selenium.webdriver.common.keys import Keys

    browser.open(pages["matrix"])
    browser.keys(".choice [data-cell='0 0']", Keys.ARROW_RIGHT)
    browser.keys(".choice [data-cell='0 1']", Keys.ARROW_DOWN)
    assert browser.value("document.activeElement.dataset.cell") == "1 1"
    assert browser.text("#live").startswith("always-defect against always-defect: 0.0000")
    assert browser.value("document.querySelectorAll('#payoffs svg [tabindex=\"0\"]').length") == 1
    browser.keys(".choice [data-cell='1 1']", Keys.ENTER)
    assert browser.value("document.querySelector('.choice [data-cell=\"1 1\"]').ariaPressed") == "true"
    assert browser.text("#episode-score .who b") == "always-defect"


def test_an_episode_plays_pauses_and_steps(browser: Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["matrix"])
    browser.click('.choice [data-cell="0 1"]')
    assert browser.text("#episode-event") == "Before the first of 3 steps."
    browser.click("#episode-forward")
    assert browser.text("#episode-event") == (
        "Step 1 of 3: A plays cooperate, B plays defect. Rewards: A \N{MINUS SIGN}0.335, B +0.665."
    )
    assert browser.text("#live") == browser.text("#episode-event")
    totals = "[...document.querySelectorAll('.total')].map((each) => each.textContent)"
    assert browser.value(totals) == ["\N{MINUS SIGN}0.34", "+0.67"]
    assert browser.value("document.querySelectorAll('#episode-board .seen.now').length") == 1
    browser.click("#episode-back")
    assert browser.text("#episode-event") == "Before the first of 3 steps."
    browser.run(
        "const s = document.querySelector('#episode-speed'); s.value = '15'; s.dispatchEvent(new Event('change'))"
    )
    browser.click("#episode-play")
    assert browser.text("#episode-play") == "Pause"
    browser.wait("document.querySelector('#episode-step').value === '3'")
    browser.wait("document.querySelector('#episode-play').textContent === 'Play'")
    browser.click("#episode-first")
    browser.run(
        "const s = document.querySelector('#episode-speed'); s.value = '1'; s.dispatchEvent(new Event('change'))"
    )
    browser.click("#episode-play")
    browser.click("#episode-play")
    assert browser.text("#episode-play") == "Play"
    assert browser.value("document.querySelector('#episode-step').value") == "0"


def test_the_player_chosen_first_is_a_whichever_player_it_was(browser: Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["matrix"])
    browser.click('.choice [data-cell="1 0"]')
    browser.click("#episode-forward")
    names = "[...document.querySelectorAll('.who b')].map((each) => each.textContent)"
    assert browser.value(names) == ["always-defect", "tit-for-tat"]
    assert browser.text("#episode-event") == (
        "Step 1 of 3: A plays defect, B plays cooperate. Rewards: A +0.665, B \N{MINUS SIGN}0.335."
    )
    assert browser.text(".who small") == "player 1"


def test_the_coin_game_is_drawn_and_moves(browser: Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["coin"])
    browser.click('.choice [data-cell="0 1"]')
    assert browser.value("document.querySelectorAll('#episode-board .floor').length") == 9
    place = "[...document.querySelectorAll('#episode-board .token')].map((each) => each.parentNode.style.transform)"
    before = browser.value(place)
    browser.click("#episode-forward")
    after = browser.value(place)
    assert before != after
    assert after == ["translate(150px, 50px) scale(1)", "translate(250px, 150px) scale(1)"]
    assert browser.text("#episode-event") == (
        "Step 1 of 2: B takes A\N{RIGHT SINGLE QUOTATION MARK}s coin. Rewards: A \N{MINUS SIGN}2.000, B +1.000."
    )
    assert browser.value("document.querySelectorAll('#episode-board .taken').length") == 1
    browser.click("#episode-forward")
    assert browser.text("#episode-event") == "Step 2 of 2: nothing is taken. Rewards: A 0.000, B 0.000."


def test_who_wants_less_motion_gets_none_but_by_playing(browser: Browser, pages: dict[str, Path]) -> None:
    moving = "getComputedStyle(document.querySelector('#episode-board .token').parentNode).transitionDuration"
    for wish, duration in (("reduce", "0s"), ("no-preference", "0.14s")):
        browser.open(pages["coin"], prefers_reduced_motion=wish)
        browser.click('.choice [data-cell="0 1"]')
        browser.click("#episode-forward")
        assert browser.value(moving) == duration


def test_curves_tell_their_values(browser: Browser, pages: dict[str, Path]) -> None:
    from selenium.webdriver import ActionChains

    browser.open(pages["benchmark"])
    points = browser.driver.find_elements("css selector", ".chart svg [data-tip]")
    (point,) = (each for each in points if "1,000: 0.150" in str(each.get_attribute("data-tip")))
    browser.run("document.querySelector('.chart').scrollIntoView({block: 'center'})")
    ActionChains(browser.driver).move_to_element(point).perform()
    assert browser.text("#tip") == "pola-dice, environment steps 1,000: 0.150 (0.125 to 0.175)"
    assert browser.value("document.querySelector('#tip').checkVisibility()")
    assert browser.value("document.querySelectorAll('svg title').length") == 0  # the page's own tip in its place


def test_tables_are_sorted_by_a_click(browser: Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["matrix"])
    first = "document.querySelector('#ranking tbody th').textContent"
    assert browser.value(first) == "always-defect"
    browser.click("#ranking thead th:nth-child(3) button")
    assert browser.value("document.querySelector('#ranking thead th:nth-child(3)').ariaSort") == "descending"
    browser.click("#ranking thead th:nth-child(3) button")
    assert browser.value(first) == "tit-for-tat"


@pytest.mark.parametrize("name", ["matrix", "benchmark"])
def test_on_paper_everything_is_there_and_nothing_to_press(name: str, browser: Browser, pages: dict[str, Path]) -> None:
    browser.open(pages[name], prefers_color_scheme="dark")
    printed = browser.command("Page.printToPDF", printBackground=True)
    assert len(printed["data"]) > 20_000
    assert browser.value("document.querySelectorAll('details[open]').length") == 0  # closed again
    browser.command("Emulation.setEmulatedMedia", media="print", features=[])
    browser.run("window.dispatchEvent(new Event('beforeprint'))")
    hidden = "[...document.querySelectorAll('nav, .controls, #tip')].every((each) => !each.checkVisibility())"
    assert browser.value(hidden)
    assert browser.value("[...document.querySelectorAll('pre, main table')].every((each) => each.checkVisibility())")
    assert browser.value("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"


def test_without_its_script_a_page_still_says_everything_but_the_episodes(
    browser: Browser, pages: dict[str, Path]
) -> None:
    browser.command("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.open(pages["matrix"])
        title = browser.driver.find_element("css selector", ".choice [data-cell='0 2'] title")
        assert (title.get_attribute("textContent") or "").startswith("tit-for-tat against mine:0: 0.2541")
        assert "0.254" in [each.text for each in browser.driver.find_elements("css selector", ".choice text")]
        assert "switched off" in browser.driver.find_element("css selector", "noscript").text
    finally:
        browser.command("Emulation.setScriptExecutionDisabled", value=False)


@pytest.fixture(scope="module")
def play(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a page with two games, one of them with two agents."""
    agents = ["zoo:loqa/CoinGame-v0", "zoo:goodwill-loqa/CoinGame-v0", "zoo:loqa/IPD-v0"]
    return polax.write_page(agents, tmp_path_factory.mktemp("play") / "play.html")


@pytest.mark.parametrize("size", [DESKTOP, PHONE])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("game", [0, 1])
def test_an_episode_is_played_with_the_keyboard_alone(
    game: int, size: tuple[int, int], scheme: str, browser: Browser, play: Path
) -> None:
    browser.open(play, size, prefers_color_scheme=scheme)
    if game:
        browser.keys("#game", "I")
        browser.wait("document.getElementById('title').textContent.startsWith('IPD')")
    from selenium.webdriver.common.keys import Keys

    words = ["2", "1"] if game else [Keys.ARROW_RIGHT, "w", "3", "a"]
    for step in range(50):
        browser.keys("body", words[step % len(words)])
    assert browser.value("play.state().over")
    assert "The episode is over: you earned" in browser.text("#event")
    assert browser.value("[...document.querySelectorAll('.choices button')].every((each) => each.disabled)")
    assert browser.value("document.documentElement.scrollWidth") <= size[0]
    browser.keys("body", "n")
    assert not browser.value("play.state().over")
    assert browser.value("play.state().totals.length") == 1
    assert browser.errors() == []


def test_the_agent_in_the_page_is_the_agent_in_jax(browser: Browser, play: Path) -> None:
    run = polax.load("zoo:goodwill-loqa/CoinGame-v0")
    env, params = run.game()
    policy = run.policies()[1]
    played = polax.rollout(env, params, run.policies(), jax.random.key(0), num_envs=4)
    seen = np.asarray(played.observations)[:, :, 1]  # [steps, copies, features]
    memory, expected = policy.initial_memory(4), []
    for observation in seen:
        logits, memory = networks.step(policy.params.encoder, policy.params.recurrent, memory, observation)
        expected.append(np.asarray(jax.nn.softmax(logits)))
    browser.open(play)
    found = browser.driver.execute_script(
        """const policy = play.agents[1].policy;
        return arguments[0].map((steps) => {
          let memory = policy.initialMemory();
          return steps.map((observation) => {
            const step = policy.act(observation, memory);
            memory = step.memory;
            return step.probabilities;
          });
        });""",
        np.swapaxes(seen, 0, 1).tolist(),
    )
    np.testing.assert_allclose(np.swapaxes(found, 0, 1), expected, atol=1e-5)
    assert np.shape(expected) == (51, 4, env.num_actions)  # more than 200 steps


def test_a_swipe_moves_and_the_agents_thoughts_can_be_hidden(browser: Browser, play: Path) -> None:
    browser.open(play, PHONE)
    browser.run(
        """const board = document.getElementById('board');
        board.dispatchEvent(new PointerEvent('pointerdown', { clientX: 100, clientY: 100 }));
        board.dispatchEvent(new PointerEvent('pointerup', { clientX: 110, clientY: 180 }));"""
    )
    assert "You played down" in browser.text("#event")
    assert browser.value("document.querySelectorAll('#thought meter').length") == 4
    browser.run("document.getElementById('reveal').click()")
    assert browser.value("document.querySelectorAll('#thought meter').length") == 0
    assert browser.value("[...document.querySelectorAll('.choices button')].every((b) => b.offsetHeight >= 44)")
