// Drawing one moment of an episode: a board with its pieces, or the payoffs of a matrix game, and both scores.
const boards = (() => {
  const { make, data } = report;
  const episodes = data.episodes ?? {};
  const letters = ["A", "B"];
  const sides = ["a", "b"];
  const signed = (value, digits = 2) => {
    const text = value.toFixed(digits);
    const zero = Number(text) === 0;
    return zero ? (0).toFixed(digits) : (value > 0 ? "+" : "") + text.replace("-", "\u2212");
  };
  const actionName = (action) => episodes.actions[action];
  // An initial where these differ, else the number.
  function actionLetter(action) {
    const initials = episodes.actions.map((name) => name[0].toUpperCase());
    return new Set(initials).size === initials.length ? initials[action] : `${action}`;
  }

  // A piece is [name, row, column, the player that it is or belongs to].
  const same = (one, other) => one[1] === other[1] && one[2] === other[2];
  const playersOf = (board) => board.filter(([name]) => name === "player").sort((one, other) => one[3] - other[3]);
  const objectsOf = (board) => board.filter(([name]) => name !== "player");

  /** Who took what in a step: where a player stands now lay an object before. */
  function taken(episode, step) {
    if (step === 0 || !episode.boards.length) return [];
    return objectsOf(episode.boards[step - 1]).flatMap((object) => playersOf(episode.boards[step])
      .filter((player) => same(player, object)).map((player) => ({ player: player[3], object })));
  }

  /** A board: makes the drawing once, and returns a function that brings it to a step. */
  function boardGame(container, episode) {
    const [rows, columns] = episodes.board, cell = 100;
    const drawing = make("svg", { viewBox: `0 0 ${columns * cell} ${rows * cell}`, role: "img" });
    for (let at = 0; at < rows * columns; at += 1) {
      drawing.append(make("rect", {
        x: (at % columns) * cell + 3, y: Math.floor(at / columns) * cell + 3,
        width: cell - 6, height: cell - 6, rx: 9, class: "floor",
      }));
    }
    const objects = make("g"), rings = make("g");
    const tokens = letters.map((letter, player) => make("g", {},
      make("rect", { x: -33, y: -33, width: 66, height: 66, rx: 16, class: `token ${sides[player]}` }),
      make("text", { y: 12, "text-anchor": "middle", class: "letter", style: "font-size:34px" }, letter)));
    drawing.append(objects, ...tokens, rings);
    container.replaceChildren(drawing);

    const centre = (piece) => [(piece[2] + 0.5) * cell, (piece[1] + 0.5) * cell];
    function put(token, piece, shift, scale, before) {
      const [x, y] = centre(piece);
      // Across an edge it jumps, one cell it slides.
      const near = before && Math.abs(before[1] - piece[1]) + Math.abs(before[2] - piece[2]) <= 1;
      token.setAttribute("class", near ? "slides" : "");
      token.style.transform = `translate(${x + shift}px, ${y}px) scale(${scale})`;
    }
    function object([, , , owner], [x, y]) {
      const whose = sides[owner] ?? "none", sign = owner === null ? "" : letters[owner].toLowerCase();
      return [make("circle", { cx: x, cy: y, r: 25, class: "edge" }), make("circle", { cx: x, cy: y, r: 19, class: whose }),
        make("text", { x, y: y + 8, "text-anchor": "middle", class: "letter", style: "font-size:22px" }, sign)];
    }
    return (step, forward) => {
      const players = playersOf(episode.boards[step]);
      const together = same(...players);
      tokens.forEach((token, player) => {
        const before = forward && step > 0 ? playersOf(episode.boards[step - 1])[player] : null;
        put(token, players[player], together ? (player ? 21 : -21) : 0, together ? 0.58 : 1, before);
      });
      objects.replaceChildren(...objectsOf(episode.boards[step]).flatMap((piece) => object(piece, centre(piece))));
      rings.replaceChildren(...taken(episode, step).map(({ object: [, row, column] }) => make("rect", {
        x: column * cell + 5, y: row * cell + 5, width: cell - 10, height: cell - 10, rx: 9, class: "taken",
      })));
      drawing.setAttribute("aria-label", `Board of ${rows} by ${columns} cells after step ${step}`);
    };
  }

  /** A game of simultaneous moves: the payoffs, with the cell that was just played. */
  function matrixGame(container, episode) {
    const matrix = episode.matrix;
    if (!matrix) {
      container.replaceChildren();
      return () => {};
    }
    const count = matrix.length, left = 66, top = 42, side = 250 / count;
    const drawing = make("svg", { viewBox: `0 0 ${left + 254} ${top + 254}`, role: "img" });
    const label = (words, x, y, rest = {}) => make("text", { x, y, "text-anchor": "middle", ...rest }, words);
    const upright = { transform: "rotate(-90)" };
    drawing.append(label("B plays", left + 125, 15), label("A plays", -(top + 125), 16, upright));
    const cells = [], heads = [[], []];
    matrix.forEach((line, first) => {
      const middle = top + side * (first + 0.5);
      const short = actionName(first).length > 9 ? actionLetter(first) : actionName(first);
      heads[0].push(label(short, -middle, 40, upright));
      heads[1].push(label(short, left + side * (first + 0.5), 35));
      line.forEach((rewards, second) => {
        const cell = make("rect", {
          x: left + side * second + 3, y: top + side * first + 3, width: side - 6, height: side - 6, rx: 9, class: "seen",
        });
        cells.push({ first, second, cell });
        drawing.append(cell, ...letters.map((letter, player) => label(
          `${letter} ${rewards ? signed(rewards[player], 3) : "\u2013"}`,
          left + side * (second + 0.5), middle + (player ? 20 : -8), { class: "value" })));
      });
    });
    drawing.append(...heads[0], ...heads[1]);
    container.replaceChildren(drawing);
    return (step) => {
      const moves = step ? [episode.moves[2 * step - 2], episode.moves[2 * step - 1]] : [-1, -1];
      for (const { first, second, cell } of cells) {
        cell.classList.toggle("now", first === moves[0] && second === moves[1]);
      }
      heads.forEach((labels, player) => labels.forEach((each, action) => {
        each.setAttribute("class", action === moves[player] ? "chosen" : "");
      }));
      drawing.setAttribute("aria-label", step
        ? `Payoffs; just played: A ${actionName(moves[0])}, B ${actionName(moves[1])}` : "Payoffs; nothing played yet");
    };
  }

  /** Both scores as they grow; what has not happened yet is faint. */
  function scoreLines(totals) {
    const width = 420, height = 110, left = 6, right = 414, top = 8, bottom = 102;
    const every = totals.flat();
    const low = Math.min(0, ...every), high = Math.max(0, ...every, low + 1e-9);
    const x = (step) => left + (step / Math.max(1, totals.length - 1)) * (right - left);
    const y = (value) => bottom - ((value - low) / (high - low)) * (bottom - top);
    const points = (player, end) => totals.slice(0, end).map((pair, step) => `${x(step)},${y(pair[player])}`).join(" ");
    const drawing = make("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": "Total rewards so far" });
    const past = sides.map((side) => make("polyline", { class: `line-${side}` }));
    const dots = sides.map((side) => make("circle", { r: 4.5, class: side }));
    drawing.append(
      make("line", { x1: left, x2: right, y1: y(0), y2: y(0), class: "axis" }),
      ...sides.map((side, player) => make("polyline", { class: `line-${side} rest`, points: points(player) })),
      ...past, ...dots);
    return {
      drawing,
      show(step) {
        past.forEach((line, player) => line.setAttribute("points", points(player, step + 1)));
        dots.forEach((dot, player) => {
          dot.setAttribute("cx", x(step));
          dot.setAttribute("cy", y(totals[step][player]));
        });
      },
    };
  }

  return { boardGame, matrixGame, scoreLines, taken, letters, signed, actionName, actionLetter };
})();
