// Drawing one moment of an episode: the board of the coin game, or the payoffs of a matrix game, and both scores.
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
  const actionName = (action) => episodes.actions?.[action] ?? `action ${action}`;
  // Action 1 of a game with two is written C, action 0 D, as in the tables.
  const actionLetter = (action) =>
    episodes.actions && episodes.actions.length > 2 ? actionName(action)[0].toUpperCase() : "DC"[action] ?? `${action}`;

  // A board is [row, column of A, row, column of B, then row, column, owner of each coin].
  function coinsOf(board) {
    const coins = [];
    for (let at = 4; at < board.length; at += 3) {
      coins.push({ row: board[at], column: board[at + 1], owner: board[at + 2] });
    }
    return coins;
  }
  const placeOf = (board, player) => ({ row: board[2 * player], column: board[2 * player + 1] });
  const same = (one, other) => one.row === other.row && one.column === other.column;

  /** Who took which coin in a step: where a player stands now lay a coin before. */
  function taken(episode, step) {
    if (step === 0 || !episode.boards.length) return [];
    const before = coinsOf(episode.boards[step - 1]);
    return before.flatMap((coin) => [0, 1]
      .filter((player) => same(placeOf(episode.boards[step], player), coin))
      .map((player) => ({ player, coin })));
  }

  /** The coin game: makes the drawing once, and returns a function that brings it to a step. */
  function coinGame(container, episode) {
    const size = episodes.size, cell = 100;
    const drawing = make("svg", { viewBox: `0 0 ${size * cell} ${size * cell}`, role: "img" });
    for (let row = 0; row < size; row += 1) {
      for (let column = 0; column < size; column += 1) {
        drawing.append(make("rect", {
          x: column * cell + 3, y: row * cell + 3, width: cell - 6, height: cell - 6, rx: 9, class: "floor",
        }));
      }
    }
    const rings = make("g");
    const coins = coinsOf(episode.boards[0]).map(() => make("g"));
    const tokens = letters.map((letter, player) => make("g", {},
      make("rect", { x: -33, y: -33, width: 66, height: 66, rx: 16, class: `token ${sides[player]}` }),
      make("text", { y: 12, "text-anchor": "middle", class: "letter", style: "font-size:34px" }, letter)));
    drawing.append(...coins, ...tokens, rings);
    container.replaceChildren(drawing);

    const centre = (place) => [(place.column + 0.5) * cell, (place.row + 0.5) * cell];
    function put(token, place, shift, scale, before) {
      const [x, y] = centre(place);
      // Across the edge of the torus it jumps, one cell it slides.
      const near = before && Math.abs(before.row - place.row) + Math.abs(before.column - place.column) <= 1;
      token.setAttribute("class", near ? "slides" : "");
      token.style.transform = `translate(${x + shift}px, ${y}px) scale(${scale})`;
    }
    return (step, forward) => {
      const board = episode.boards[step];
      const together = same(placeOf(board, 0), placeOf(board, 1));
      tokens.forEach((token, player) => {
        const before = forward && step > 0 ? placeOf(episode.boards[step - 1], player) : null;
        put(token, placeOf(board, player), together ? (player ? 21 : -21) : 0, together ? 0.58 : 1, before);
      });
      coinsOf(board).forEach((coin, index) => {
        const [x, y] = centre(coin);
        coins[index].replaceChildren(
          make("circle", { cx: x, cy: y, r: 25, class: "edge" }),
          make("circle", { cx: x, cy: y, r: 19, class: sides[coin.owner] }),
          make("text", { x, y: y + 8, "text-anchor": "middle", class: "letter", style: "font-size:22px" },
            letters[coin.owner].toLowerCase()));
      });
      rings.replaceChildren(...taken(episode, step).map(({ coin }) => make("rect", {
        x: coin.column * cell + 5, y: coin.row * cell + 5, width: cell - 10, height: cell - 10, rx: 9, class: "taken",
      })));
      drawing.setAttribute("aria-label", `Board of ${size} by ${size} cells after step ${step}`);
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
    drawing.append(make("text", { x: left + 125, y: 15, "text-anchor": "middle" }, "B plays"));
    drawing.append(make("text", { x: -(top + 125), y: 16, "text-anchor": "middle", transform: "rotate(-90)" }, "A plays"));
    const cells = [], heads = [[], []];
    matrix.forEach((line, first) => {
      const middle = top + side * (first + 0.5);
      const short = (action) => (actionName(action).length > 9 ? actionLetter(action) : actionName(action));
      heads[0].push(make("text", { x: -middle, y: 40, "text-anchor": "middle", transform: "rotate(-90)" }, short(first)));
      heads[1].push(make("text", { x: left + side * (first + 0.5), y: 35, "text-anchor": "middle" }, short(first)));
      line.forEach((rewards, second) => {
        const cell = make("rect", {
          x: left + side * second + 3, y: top + side * first + 3, width: side - 6, height: side - 6, rx: 9, class: "seen",
        });
        cells.push({ first, second, cell });
        drawing.append(cell);
        const x = left + side * (second + 0.5);
        [0, 1].forEach((player) => {
          const label = rewards ? `${letters[player]} ${signed(rewards[player], 3)}` : `${letters[player]} \u2013`;
          drawing.append(make("text", { x, y: middle + (player ? 20 : -8), "text-anchor": "middle", class: "value" }, label));
        });
      });
    });
    drawing.append(...heads[0], ...heads[1]);
    container.replaceChildren(drawing);
    return (step) => {
      const moves = step ? [episode.moves[2 * step - 2], episode.moves[2 * step - 1]] : [-1, -1];
      for (const { first, second, cell } of cells) {
        cell.classList.toggle("now", first === moves[0] && second === moves[1]);
      }
      heads.forEach((labels, player) => labels.forEach((label, action) => {
        label.setAttribute("class", action === moves[player] ? "chosen" : "");
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

  return { coinGame, matrixGame, scoreLines, taken, letters, signed, actionName, actionLetter };
})();
