// A memory-one policy for a page in the browser: the probability of action 1 after DD, DC, CD, CC, and at the start.
(numbers) => ({
  initialMemory: () => null,

  act(observation) {
    const state = observation[2] > 0 ? 4 : 2 * observation[1] + observation[4];
    const one = numbers.cooperation.values[state];
    return { probabilities: [1 - one, one], memory: null };
  },
})
