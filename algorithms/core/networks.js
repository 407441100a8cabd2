// The network of networks.py for a page in the browser: dense layer, GRU, and the probabilities of the actions.
(numbers) => {
  const size = numbers.bias.values.length;

  // Adds to the sums a row vector times a matrix [inputs, outputs].
  function addProduct(sums, vector, { values }) {
    vector.forEach((entry, input) => {
      if (entry !== 0) for (let each = 0; each < sums.length; each += 1) sums[each] += entry * values[input * sums.length + each];
    });
    return sums;
  }
  const sigmoid = (x) => 1 / (1 + Math.exp(-x));

  return {
    initialMemory: () => Array(size).fill(0),

    act(observation, hidden) {
      const features = addProduct([...numbers.bias.values], observation, numbers.kernel).map((x) => Math.max(0, x));
      const input = addProduct([...numbers.gate_bias.values], features, numbers.gate_kernel);
      const recurrent = addProduct(Array(3 * size).fill(0), hidden, numbers.recurrent_kernel);
      const memory = hidden.map((before, each) => {
        const reset = sigmoid(input[each] + recurrent[each]);
        const update = sigmoid(input[size + each] + recurrent[size + each]);
        const inner = recurrent[2 * size + each] + numbers.candidate_bias.values[each];
        const candidate = Math.tanh(input[2 * size + each] + reset * inner);
        return (1 - update) * candidate + update * before;
      });
      const logits = [...numbers.output_bias.values].map((bias, action) =>
        memory.reduce((sum, entry, each) => sum + entry * numbers.output_kernel.values[action * size + each], bias));
      const largest = Math.max(...logits);
      const weights = logits.map((logit) => Math.exp(logit - largest));
      const total = weights.reduce((sum, weight) => sum + weight);
      return { probabilities: weights.map((weight) => weight / total), memory };
    },
  };
}
