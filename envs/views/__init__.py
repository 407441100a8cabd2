"""Games as other libraries see them: Gymnasium, PettingZoo, JaxMARL, Axelrod. May import all of `envs`."""
