"""Episodes as pictures, text and animations. May import `envs.base`, `envs.policies` and `envs.views.host`."""
