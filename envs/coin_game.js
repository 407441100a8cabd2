// The rules of coin_game.py for a page in the browser. A state holds cells: of both players, and of each coin.
(numbers) => {
  const { size, own, other, stolen } = numbers;
  const row = (cell) => Math.floor(cell / size);
  const column = (cell) => cell % size;

  function move(cell, action) {
    const down = (row(cell) + (action === 2) - (action === 3) + size) % size;
    return down * size + (column(cell) + (action === 0) - (action === 1) + size) % size;
  }

  function free(below, ...taken) {
    const cells = [...Array(size * size).keys()].filter((cell) => !taken.includes(cell));
    return cells[below(cells.length)];
  }

  function pay(player, players, coins) {
    return coins.reduce((sum, coin) => {
      const mine = coin.owner === player;
      const taken = players[player] === coin.cell ? (mine ? own : other) : 0;
      return sum + taken + (mine && players[1 - player] === coin.cell ? stolen : 0);
    }, 0);
  }

  // The coins of a step, those that were collected in new places.
  function replace(below, players, coins) {
    const collected = coins.map((coin) => players.includes(coin.cell));
    if (coins.length === 1) {
      if (!collected[0]) return coins;
      const cell = free(below, ...players);
      return [{ cell, owner: numbers.random ? below(2) : 1 - coins[0].owner }];
    }
    const first = collected[0] ? free(below, ...players, collected[1] ? players[0] : coins[1].cell) : coins[0].cell;
    const second = collected[1] ? free(below, ...players, first) : coins[1].cell;
    return [{ cell: first, owner: 0 }, { cell: second, owner: 1 }];
  }

  return {
    start(below) {
      const players = [below(size * size), below(size * size)];
      const coin = free(below, ...players);
      if (numbers.coins === 1) return { players, coins: [{ cell: coin, owner: below(2) }] };
      return { players, coins: [{ cell: coin, owner: 0 }, { cell: free(below, ...players, coin), owner: 1 }] };
    },

    step(state, actions, below) {
      const players = state.players.map((cell, player) => move(cell, actions[player]));
      const rewards = [0, 1].map((player) => pay(player, players, state.coins));
      return { state: { players, coins: replace(below, players, state.coins) }, rewards };
    },

    observe(state, player) {
      const order = numbers.shared || player === 0 ? [0, 1] : [1, 0];
      const coin = (owner) => state.coins.find((each) => each.owner === owner)?.cell ?? -1;
      const occupied = [...order.map((each) => state.players[each]), ...order.map(coin)];
      return occupied.flatMap((cell) => [...Array(size * size).keys()].map((each) => Number(each === cell)));
    },

    board: (state) => ({
      rows: size,
      columns: size,
      pieces: [
        ...state.coins.map(({ cell, owner }) => ["coin", row(cell), column(cell), owner]),
        ...state.players.map((cell, player) => ["player", row(cell), column(cell), player]),
      ],
    }),
  };
}
