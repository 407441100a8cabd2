// A game against a trained policy: its program and numbers are in the page, and its choices are drawn here.
const play = (() => {
  const { data, make } = report;
  const { signed } = boards;
  const at = (id) => document.getElementById(id);
  const below = (count) => Math.floor(Math.random() * count);
  const arrows = { ArrowRight: "right", ArrowLeft: "left", ArrowDown: "down", ArrowUp: "up" };
  const letterKeys = { d: "right", a: "left", s: "down", w: "up" };
  const marks = { right: "\u2192", left: "\u2190", down: "\u2193", up: "\u2191" };

  // An array stands in the data as its shape and the bytes of its numbers.
  function read(value) {
    if (typeof value?.bytes !== "string") return value;
    const bytes = Uint8Array.from(atob(value.bytes), (letter) => letter.charCodeAt(0));
    return { shape: value.shape, values: new Float32Array(bytes.buffer) };
  }
  const run = ({ program, numbers }) =>
    programs[program](Object.fromEntries(Object.entries(numbers).map(([name, value]) => [name, read(value)])));
  const agents = data.agents.map((agent) => ({ ...agent, policy: run(agent) }));
  const games = data.games.map((game) => ({ ...game, rules: run(game) }));

  let game, agent, episode, state, memory, thought, totals, show;

  function choose(probabilities) {
    let rest = Math.random();
    return probabilities.findIndex((probability, action) => {
      rest -= probability;
      return rest < 0 || action === probabilities.length - 1;
    });
  }

  function think() {
    thought = agent.policy.act(game.rules.observe(state, agent.player), memory);
  }

  function begin() {
    [state, memory, totals] = [game.rules.start(below), agent.policy.initialMemory(), [[0, 0]]];
    const board = game.rules.board?.(state);
    episode = { moves: [], boards: board ? [board.pieces] : [], matrix: game.rules.matrix };
    data.episodes.board = board && [board.rows, board.columns];
    show = (board ? boards.boardGame : boards.matrixGame)(at("board"), episode);
    think();
    draw(`${game.steps} steps. Mean rewards a step to compare with: ${game.references || "none are known"}.`);
  }

  function over() {
    return totals.length > game.steps;
  }

  /** Play one step with the person's action. */
  function step(action) {
    if (over()) return;
    const actions = agent.player === 0 ? [choose(thought.probabilities), action] : [action, choose(thought.probabilities)];
    const next = game.rules.step(state, actions, below);
    [state, memory] = [next.state, thought.memory];
    totals.push(totals.at(-1).map((total, player) => total + next.rewards[player]));
    episode.moves.push(...actions);
    if (game.rules.board) episode.boards.push(game.rules.board(state).pieces);
    think();
    const you = 1 - agent.player;
    const played = `You played ${game.actions[actions[you]]}, the agent ${game.actions[actions[agent.player]]}: `
      + `${signed(next.rewards[you])} for you, ${signed(next.rewards[agent.player])} for the agent.`;
    const mean = (player) => signed(totals.at(-1)[player] / game.steps, 3);
    const end = `The episode is over: you earned ${mean(you)} a step, the agent ${mean(agent.player)}.`;
    draw(over() ? `${played} ${end}` : played);
  }

  function draw(event) {
    const steps = totals.length - 1;
    show(steps, steps > 0);
    at("event").textContent = event;
    at("players").replaceChildren(...[0, 1].map((player) => {
      const total = totals.at(-1)[player];
      const mean = steps ? `${signed(total / steps, 3)} a step` : "nothing played yet";
      return make("div", { class: "who" },
        make("span", { class: "badge", "aria-hidden": "true" }, boards.letters[player]),
        make("b", {}, player === agent.player ? agent.name : "You"),
        make("span", { class: "total" }, signed(total)),
        make("small", {}, game.players[player]),
        make("small", {}, player === 1 - agent.player ? `${mean}, step ${steps} of ${game.steps}` : mean));
    }));
    for (const button of at("choices").children) button.disabled = over();
    const seen = at("reveal").checked && !over();
    at("thought").replaceChildren(...(seen ? thought.probabilities : []).flatMap((probability, action) => [
      make("span", {}, game.actions[action]),
      make("meter", { min: 0, max: 1, value: probability, "aria-label": game.actions[action] }),
      make("output", {}, `${(100 * probability).toFixed(probability < 0.1 || probability > 0.9 ? 1 : 0)}%`),
    ]));
    strip(steps);
    const lines = boards.scoreLines(totals);
    lines.show(steps);
    at("lines").replaceChildren(lines.drawing);
  }

  function strip(steps) {
    const cells = [0, 1].map((player) => [make("span", {}, player === agent.player ? "agent" : "you")]);
    for (let each = 0; each < steps; each += 1) {
      for (const player of [0, 1]) {
        const action = episode.moves[2 * each + player];
        const kind = action === 1 ? " one" : action > 1 ? " more" : "";
        cells[player].push(make("i", { class: `played${kind}` }, marks[game.actions[action]] ?? boards.actionLetter(action)));
      }
    }
    const moves = make("div", { class: "moves" });
    for (let column = 0; column <= steps; column += 1) moves.append(cells[0][column], cells[1][column]);
    at("strip").replaceChildren(...(steps ? [moves] : []));
    at("strip").scrollLeft = at("strip").scrollWidth;
  }

  function selectAgent(number) {
    agent = agents[number];
    at("title").textContent = `${game.name} against ${agent.name}`;
    document.title = at("title").textContent;
    begin();
  }

  function selectGame(number) {
    game = games[number];
    data.episodes.actions = game.actions;
    at("agent").replaceChildren(...agents.flatMap((each, index) =>
      (each.game === number ? [make("option", { value: index }, each.name)] : [])));
    const directed = game.actions.some((action) => action in marks);
    at("choices").replaceChildren(...game.actions.map((action, index) => {
      const button = make("button", { type: "button", "data-action": index, "aria-keyshortcuts": index + 1 },
        directed && marks[action] ? `${marks[action]} ${action}` : action);
      button.addEventListener("click", () => step(index));
      return button;
    }));
    at("keys").textContent = directed
      ? "Arrow keys, W A S D or the numbers choose; on a touch screen, swipe over the board."
      : `The keys ${game.actions.map((action, index) => `${index + 1} (${action})`).join(", ")} choose; N begins again.`;
    selectAgent(Number(at("agent").value));
  }

  function actionOfKey(key) {
    const direction = arrows[key] ?? letterKeys[key.toLowerCase()];
    return direction ? game.actions.indexOf(direction) : /^[1-9]$/.test(key) && Number(key) <= game.actions.length ? Number(key) - 1 : -1;
  }

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("select")) return;
    const action = actionOfKey(event.key);
    if (action >= 0) {
      event.preventDefault();
      step(action);
    } else if (event.key.toLowerCase() === "n") begin();
  });

  let from = null;
  at("board").addEventListener("pointerdown", (event) => { from = [event.clientX, event.clientY]; });
  at("board").addEventListener("pointerup", (event) => {
    if (!from) return;
    const [x, y] = [event.clientX - from[0], event.clientY - from[1]];
    from = null;
    if (Math.max(Math.abs(x), Math.abs(y)) < 24) return;
    const direction = Math.abs(x) > Math.abs(y) ? (x > 0 ? "right" : "left") : y > 0 ? "down" : "up";
    if (game.actions.includes(direction)) step(game.actions.indexOf(direction));
  });

  at("again").addEventListener("click", begin);
  at("reveal").addEventListener("change", () => draw(at("event").textContent));
  at("agent").addEventListener("change", () => selectAgent(Number(at("agent").value)));
  at("game")?.append(...games.map((each, index) => make("option", { value: index }, each.title)));
  at("game")?.addEventListener("change", () => selectGame(Number(at("game").value)));
  selectGame(0);

  return { games, agents, step, begin, state: () => ({ state, totals, thought, over: over() }) };
})();
