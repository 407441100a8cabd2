"""Options of the exact learners."""

from __future__ import annotations

from dataclasses import dataclass

from ...checks import check_number, check_whole_number
from .parameterisations import make_parameterisation
from .returns import check_discount


@dataclass(frozen=True)
class NaiveExactConfig:
    """Options of ``naive-exact``: each player follows the gradient of its own exact return.

    Raises:
        ValueError: if a value is out of range or a name unknown.
    """

    parameterisation: str = "tabular"
    """How a policy is written: ``tabular``, ``mlp`` or ``preconditioned``."""
    hidden_size: int = 16
    """Width of the hidden layer of every ``mlp``."""
    preconditioned_columns: tuple[int, int] = (2, 1)
    """For ``preconditioned``: each player's state, as position in DD, DC, CD, CC, start."""
    discount: float = 0.96
    """Discount per step of the game."""
    outer_lr: float = 2.0
    """Step size of a player's own update."""

    def __post_init__(self) -> None:
        check_discount(self.discount)
        _check_parameterisation(self, self.parameterisation)
        check_number("outer_lr", self.outer_lr, above=0)


@dataclass(frozen=True)
class OpponentModelConfig:
    """Options of learners that may look at a model of the opponent in place of its parameters.

    Raises:
        ValueError: if a value is out of range or a name unknown.
    """

    opponent_model: str | None = None
    """Parameterisation of the model; None uses the opponent's own parameters."""
    model_lr: float = 0.2
    """Step size of fitting the model."""
    model_threshold: float = 1e-7
    """Fit until KL(true || model) is below this."""
    model_max_steps: int = 10_000
    """Give the fit up after this many steps; the metrics say so."""

    def _check_model(self) -> None:
        check_number("model_lr", self.model_lr, above=0)
        check_number("model_threshold", self.model_threshold, above=0)
        check_whole_number("model_max_steps", self.model_max_steps, at_least=1)
        if self.opponent_model is not None:
            _check_parameterisation(self, self.opponent_model)


@dataclass(frozen=True)
class LolaExactConfig(NaiveExactConfig, OpponentModelConfig):
    """Options of ``lola-exact``. The defaults are the published ones for tabular policies.

    Raises:
        ValueError: if a value is out of range or a name unknown.
    """

    outer_lr: float = 25.0
    """Step size of a player's own update."""
    inner_lr: float = 3.0
    """Step size of the opponent's imagined update; 0 is naive learning."""
    taylor: bool = False
    """Use the first-order Taylor form in place of the actual update."""
    outer_preconditioning: bool = True
    """False leaves the transformation of ``preconditioned`` out of the outer loss, as the published program does."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_model()
        check_number("inner_lr", self.inner_lr, at_least=0)
        if not self.outer_preconditioning and (
            self.parameterisation != "preconditioned" or self.opponent_model is not None or self.taylor
        ):
            raise ValueError(
                "outer_preconditioning=False is about LOLA's actual update of preconditioned policies without opponent "
                "models: set parameterisation='preconditioned' and leave opponent_model and taylor alone"
            )


@dataclass(frozen=True)
class PolaExactConfig(NaiveExactConfig, OpponentModelConfig):
    """Options of ``pola-exact``. The defaults are the published ones for tabular policies at contribution factor 1.33.

    Raises:
        ValueError: if a value is out of range or a name unknown.
    """

    outer_lr: float = 0.3
    """Step size of the outer steps."""
    inner_lr: float = 5.0
    """Step size of the opponent's imagined steps."""
    outer_beta: float = 0.1
    """Weight of KL(old || new) of the learner's policy, summed over the five states."""
    inner_beta: float = 0.0
    """Weight of KL(old || new) of the opponent's policy in its imagined steps after the first."""
    inner_steps: int = 1
    """Imagined steps of the opponent in each lookahead."""
    outer_steps: int | None = None
    """Outer steps of an update; None goes on to a fixed point."""
    threshold: float = 1e-8
    """A fixed point is where KL between successive policies is below this in both directions."""
    max_steps: int = 5_000
    """Give a fixed point up after this many outer steps; the metrics say so."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_model()
        for name in ("inner_lr", "outer_beta", "inner_beta"):
            check_number(name, getattr(self, name), at_least=0)
        check_number("threshold", self.threshold, above=0)
        check_whole_number("inner_steps", self.inner_steps, at_least=1)
        check_whole_number("max_steps", self.max_steps, at_least=1)
        if self.outer_steps is not None:
            check_whole_number("outer_steps", self.outer_steps, at_least=1)


def _check_parameterisation(config: NaiveExactConfig | OpponentModelConfig, name: str) -> None:
    hidden_size = getattr(config, "hidden_size", 1)
    columns = getattr(config, "preconditioned_columns", (2, 1))
    make_parameterisation(name, hidden_size=hidden_size, columns=columns)
