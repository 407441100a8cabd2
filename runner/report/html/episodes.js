// The animated episode of a pair: choose, play, pause, step, go faster.
(() => {
  const { make, data, still } = report;
  const episodes = data.episodes;
  const byId = (name) => document.getElementById(`episode-${name}`);
  if (!episodes || !document.getElementById("episode")) return;
  const { letters, signed } = boards;
  const choices = [byId("player-0"), byId("player-1")];
  const slider = byId("step"), play = byId("play"), strip = byId("strip"), score = byId("score");
  let episode, totals, lines, draw, marks, totalCells, lastCells;
  let step = 0;
  let timer = null;

  const find = (one, other) => episodes.episodes.find(({ players: [a, b] }) =>
    (a === one && b === other) || (a === other && b === one));
  const rewardsAt = (at) => episode.swap(episodes.rewards[episode.rewards[at - 1]]);

  const straight = (found) => ({ ...found, indices: [0, 1], matrix: episodes.matrix, swap: (pair) => pair });

  /** The same episode told from the other side, so that A is who was chosen first. */
  function mirrored(found) {
    const swap = ([first, second]) => [second, first];
    const pairs = (list) => list.flatMap((_, at) => (at % 2 ? [] : [list[at + 1], list[at]]));
    return {
      players: swap(found.players),
      moves: pairs(found.moves),
      rewards: found.rewards,
      boards: found.boards.map((board) => board.map(([name, row, column, player]) =>
        [name, row, column, player === null ? null : 1 - player])),
      indices: [1, 0],
      matrix: episodes.matrix?.map((_, own) => episodes.matrix.map((line) => line[own] && swap(line[own]))),
      swap,
    };
  }

  function choose(one, other) {
    const found = find(one, other);
    if (!found) return;
    stop();
    choices[0].value = one;
    choices[1].value = other;
    episode = found.players[0] === one ? straight(found) : mirrored(found);
    totals = [[0, 0]];
    for (let at = 1; at <= episode.rewards.length; at += 1) {
      totals.push(totals[at - 1].map((sum, player) => sum + rewardsAt(at)[player]));
    }
    slider.max = episode.rewards.length;
    draw = (episode.boards.length ? boards.boardGame : boards.matrixGame)(byId("board"), episode);
    lines = boards.scoreLines(totals);
    totalCells = letters.map(() => make("span", { class: "total" }));
    lastCells = letters.map(() => make("small"));
    score.replaceChildren(...letters.map((letter, player) => make("div", { class: "who" },
      make("span", { class: "badge" }, letter), make("b", {}, episodes.players[episode.players[player]]),
      totalCells[player], make("small", {}, `player ${episode.indices[player]}`), lastCells[player])),
    make("small", { class: "running" }, "Total reward"), lines.drawing);
    marks = episode.boards.length ? [] : makeStrip();
    strip.replaceChildren(...(marks.length ? [make("div", { class: "moves" }, ...marks)] : []));
    for (const cell of document.querySelectorAll(".choice [data-cell]")) {
      const mine = [`${one} ${other}`, `${other} ${one}`].includes(cell.dataset.cell);
      cell.setAttribute("aria-pressed", mine ? "true" : "false");
    }
    show(0);
  }

  /** One square for each move: a row for A, a row for B. */
  function makeStrip() {
    const made = letters.map((letter) => make("span", { "aria-hidden": "true" }, letter));
    for (let index = 0; index < episode.moves.length; index += 1) {
      const mark = make("i", { "aria-hidden": "true" }, boards.actionLetter(episode.moves[index]));
      mark.dataset.step = 1 + Math.floor(index / 2);
      mark.dataset.action = episode.moves[index];
      made.push(mark);
    }
    return made;
  }
  strip.addEventListener("click", (event) => {
    const mark = event.target.closest("[data-step]");
    if (mark) { stop(); show(Number(mark.dataset.step)); }
  });

  function describe(at) {
    if (at === 0) return `Before the first of ${episode.rewards.length} steps.`;
    const rewards = rewardsAt(at);
    const gained = letters.map((letter, player) => `${letter} ${signed(rewards[player], 3)}`).join(", ");
    const begin = `Step ${at} of ${episode.rewards.length}: `;
    if (!episode.boards.length) {
      const moves = letters.map((letter, player) =>
        `${letter} plays ${boards.actionName(episode.moves[2 * (at - 1) + player])}`);
      return `${begin}${moves.join(", ")}. Rewards: ${gained}.`;
    }
    const whose = (owner, player) =>
      (owner === null ? "the" : owner === player ? "its own" : `${letters[owner]}\u2019s`);
    const events = boards.taken(episode, at).map(({ player, object: [name, , , owner] }) =>
      `${letters[player]} takes ${whose(owner, player)} ${name}`);
    return `${begin}${events.join(", ") || "nothing is taken"}. Rewards: ${gained}.`;
  }

  function show(at) {
    const forward = at === step + 1;
    step = at;
    slider.value = at;
    slider.setAttribute("aria-valuetext", `step ${at} of ${episode.rewards.length}`);
    draw(at, forward && !still.matches);
    lines.show(at);
    letters.forEach((letter, player) => {
      totalCells[player].textContent = signed(totals[at][player]);
      lastCells[player].textContent = at ? `last ${signed(rewardsAt(at)[player], 3)}` : "total";
    });
    byId("event").textContent = describe(at);
    for (const mark of marks) {
      const when = Number(mark.dataset.step);
      if (!when) continue;
      mark.classList.toggle("played", when <= at);
      mark.classList.toggle("one", mark.dataset.action === "1");
      mark.classList.toggle("now", when === at);
    }
    followStrip(at);
  }

  /** Keeps the move that is shown in the strip's box, without moving the page. */
  function followStrip(at) {
    const mark = marks.find((each) => Number(each.dataset.step) === at);
    if (!mark) { strip.scrollLeft = 0; return; }
    const left = mark.offsetLeft - strip.offsetLeft;
    if (left < strip.scrollLeft + 40 || left > strip.scrollLeft + strip.clientWidth - 40) {
      strip.scrollLeft = left - strip.clientWidth / 2;
    }
  }

  function stop() {
    clearInterval(timer);
    timer = null;
    play.textContent = "Play";
    play.setAttribute("aria-label", "play");
    play.title = "play";
  }
  function start() {
    if (step >= episode.rewards.length) show(0);
    timer = setInterval(() => {
      if (step < episode.rewards.length) show(step + 1);
      if (step >= episode.rewards.length) stop();
    }, 1000 / Number(byId("speed").value));
    play.textContent = "Pause";
    play.setAttribute("aria-label", "pause");
    play.title = "pause";
  }
  function go(at) {
    stop();
    show(Math.max(0, Math.min(episode.rewards.length, at)));
    report.say(byId("event").textContent);
  }

  for (const select of choices) {
    select.append(...episodes.players.map((name, index) => make("option", { value: index }, name)));
    select.addEventListener("change", () => choose(Number(choices[0].value), Number(choices[1].value)));
  }
  play.addEventListener("click", () => (timer === null ? start() : stop()));
  byId("first").addEventListener("click", () => go(0));
  byId("back").addEventListener("click", () => go(step - 1));
  byId("forward").addEventListener("click", () => go(step + 1));
  slider.addEventListener("input", () => { stop(); show(Number(slider.value)); });
  byId("speed").addEventListener("change", () => { if (timer !== null) { stop(); start(); } });
  document.addEventListener("click", (event) => {
    const cell = event.target.closest(".choice [data-cell]");
    if (cell) choose(...cell.dataset.cell.split(" ").map(Number));
  });

  // Somewhere in the middle, where there is something to see.
  choose(...episodes.first);
  show(Math.min(episode.rewards.length, 12));
})();
