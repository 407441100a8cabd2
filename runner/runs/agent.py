"""The file of a trained agent: the policies of a run, alone, in one file that can be given away.

It is a NumPy archive (``.npz``) with the arrays of every seed's policies, and with ``card.json``: what learned them,
and how, what they score, and the SHA-256 of every array. It holds no code; to play it, the learner's plug-in must be
installed.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated, Any, TypedDict

import jax
import numpy as np

from ...options import OptionError, check_whole_number, describe_error, make_config, one_line
from ..training.seeds import CompiledLearner, seed_keys
from .arrays import form, leaves_by_path, seal, sha256
from .checkpoint import DamagedError
from .files import LARGEST_FILE, RunError, parse_json, read_bytes, write_bytes
from .folder import trusted
from .spec import RunSpec

FORMAT = 1
"""Version of the file; another one is refused."""

SUFFIX = ".npz"

CARD = "card.json"

_Whole = Annotated[int, partial(check_whole_number, at_least=0)]


class Learned(TypedDict):
    """What is known of agents beside their arrays."""

    spec: dict[str, Any]
    """A run's ``config.json``, with the seeds that the file holds."""
    update: _Whole
    ended: list[_Whole]
    """For each seed, as in a checkpoint."""
    self_play: bool
    trained_against: list[str]
    command: list[str]
    """The words of a command that trains the same seeds again."""
    versions: dict[str, str | None]
    """Of the packages that trained it."""
    eval_envs: _Whole
    scores: list[dict[str, Any]]
    """Of each seed's policies as they are in the file: what `polax.evaluate` finds, mean rewards per step by name."""


class Card(Learned):
    """What ``card.json`` holds."""

    format: int
    leaves: dict[str, list[str]]
    """By path, ``SEED/PLAYER/...``: the entry of the archive, type and shape, and the SHA-256."""
    seal: str
    """The SHA-256 of all the rest."""


def halved(array: np.ndarray) -> np.ndarray:
    """Return an array of numbers with 16 bits, of whole numbers as it is."""
    return array.astype(np.float16) if np.issubdtype(array.dtype, np.floating) else array


def save_agent(path: Path, learned: Learned, policies: Any) -> None:
    """Write trained agents into a file; arrays that are equal, as those of two players in self-play, once.

    Args:
        path: of the file.
        learned: what is known of them.
        policies: of all players, with a leading axis of the seeds of ``learned["spec"]``, in the form in which they are
            stored.

    Raises:
        RunError: it cannot be written.
    """
    leaves: dict[str, list[str]] = {}
    entries: dict[str, np.ndarray] = {}
    names: dict[tuple[str, str], str] = {}
    for index, seed in enumerate(learned["spec"]["seeds"]):
        for name, leaf in leaves_by_path(policies).items():
            array = np.asarray(leaf[index])
            what = (form(array), sha256(array))
            entry = names.setdefault(what, str(len(names)))
            entries[entry] = array
            leaves[f"{seed}/{name}"] = [entry, *what]
    card = {"format": FORMAT, **learned, "leaves": leaves}
    content = io.BytesIO()
    np.savez_compressed(content, **entries)  # type: ignore[arg-type]  # the stub takes a name for allow_pickle
    with zipfile.ZipFile(content, "a", zipfile.ZIP_DEFLATED) as archive:
        entry_of_card = zipfile.ZipInfo(CARD)  # which has a constant time, so that equal agents are equal files
        entry_of_card.compress_type = zipfile.ZIP_DEFLATED
        archive.writestr(entry_of_card, json.dumps({**card, "seal": seal(card)}, indent=1))
    write_bytes(path, content.getvalue(), hint="choose another --out")


class AgentFile:
    """A file of trained agents.

    Attributes:
        path: where it is.
        card: what it says of them.
    """

    def __init__(self, path: Path) -> None:
        """Read the card.

        Raises:
            RunError: the file is missing or damaged, or it is not an agent that this version of polax reads.
        """
        self.path = path
        self._content = read_bytes(path)
        self.card = self._read_card()

    def spec(self) -> RunSpec:
        """Return what the run was asked to do, with the seeds that the file holds."""
        try:
            return make_config(RunSpec, self.card["spec"], what="its card")
        except OptionError as cause:
            raise RunError(f"{self.path} is not an agent of polax: {cause}") from cause

    def trusted_spec(self, *, allow_import: bool = False) -> RunSpec:
        """Return `spec`, whose names may be imported; see `RunFolder.trusted_spec`."""
        return trusted(self.spec(), self.path, allow_import=allow_import)

    def versions(self) -> dict[str, str | None]:
        """Return the versions of the packages that trained the agents."""
        return self.card["versions"]

    def policies(self, learner: CompiledLearner) -> Any:
        """Return the policies of all players, with a leading axis of the seeds.

        Args:
            learner: the one that trained them, built again.

        Raises:
            DamagedError: an array is not what was saved.
            RunError: the learner's policies have other arrays.
        """
        seeds = self.spec().seeds
        template = jax.eval_shape(learner.policies, learner.template(seed_keys(seeds).init))
        shapes = leaves_by_path(template)
        if {f"{seed}/{name}" for seed in seeds for name in shapes} != set(self.card["leaves"]):
            raise RunError(f"{self.path} has other arrays than the policies of its learner, which has changed since")
        arrays = self._read_arrays()
        leaves = []
        for name, shape in shapes.items():
            found = np.stack([arrays[f"{seed}/{name}"] for seed in seeds])
            if found.shape != shape.shape:
                was, needed = list(found.shape[1:]), list(shape.shape[1:])
                raise RunError(f"{self.path} has {name} of shape {was}; its learner, which has changed, needs {needed}")
            leaves.append(found.astype(shape.dtype))
        return jax.tree.unflatten(jax.tree.structure(template), leaves)

    def _read_arrays(self) -> dict[str, np.ndarray]:
        arrays = {}
        with self._open() as archive:
            for name, (entry, *what) in self.card["leaves"].items():
                with io.BytesIO(archive.read(f"{entry}.npy")) as file:
                    array = np.lib.format.read_array(file, allow_pickle=False)
                if [form(array), sha256(array)] != what:
                    raise DamagedError(f"{self.path} is damaged: {name} is not what was saved (its SHA-256 differs)")
                arrays[name] = array
        return arrays

    def _read_card(self) -> Card:
        with self._open() as archive:
            text = archive.read(CARD)
            version = parse_json(text, dict[str, Any], "its card").get("format")
            if version != FORMAT:
                raise RunError(f"{self.path} has agent format {version!r}, this polax reads {FORMAT}")
            card: Card = parse_json(text, Card, "its card")
        if seal(card) != card["seal"]:
            raise DamagedError(f"{self.path} is damaged: its card is not what was saved (its SHA-256 differs)")
        return card

    @contextmanager
    def _open(self) -> Iterator[zipfile.ZipFile]:
        """Open the archive; whatever goes wrong while it is read becomes one line."""
        try:
            with zipfile.ZipFile(io.BytesIO(self._content)) as archive:
                if sum(entry.file_size for entry in archive.infolist()) > LARGEST_FILE:
                    raise RunError(
                        f"{self.path} holds more than {LARGEST_FILE >> 20} MiB, which no agent of polax does"
                    )
                yield archive
        except RunError:
            raise
        except Exception as cause:  # a damaged archive may raise anything
            reason = one_line(cause) if isinstance(cause, ValueError) else describe_error(cause)
            raise DamagedError(f"{self.path} is damaged, or not an agent of polax: {reason}") from cause
