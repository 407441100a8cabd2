// The rules of matrix_game.py for a page in the browser. A state holds both last actions, 2 at the start.
(numbers) => ({
  start: () => ({ last: [numbers.first, numbers.first] }),

  step: (state, [first, second]) => ({
    state: { last: [first, second] },
    rewards: numbers.payoffs.map((payoffs) => payoffs[first][second]),
  }),

  observe(state, player) {
    const seen = numbers.shared || player === 0 ? state.last : [...state.last].reverse();
    return seen.flatMap((action) => [0, 1, 2].map((each) => Number(each === action)));
  },

  matrix: [0, 1].map((first) => [0, 1].map((second) => numbers.payoffs.map((payoffs) => payoffs[first][second]))),
})
