"""The state of a run, on disk after every epoch."""

import hashlib
import json
import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from layer_pruning.models.behaviour import behaves_otherwise
from layer_pruning.runtime.access import check_opens
from layer_pruning.runtime.atomic import written_whole
from layer_pruning.training.history import Epoch

logger = logging.getLogger(__name__)

BEHAVIOUR = "behaviour"
Modes = Mapping[str, Tensor]
"""The behaviour of one network, see :func:`layer_pruning.models.behaviour.drawn_behaviour`."""


def fingerprint(settings: Mapping[str, object], tensors: Mapping[str, Tensor]) -> str:
    """A digest of all that decides how a run ends: its settings and the tensors it starts from."""
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True, default=str).encode())
    for name, tensor in sorted(tensors.items()):
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def _by_name(behaviour: Mapping[str, Modes]) -> dict[str, Tensor]:
    """Behaviours as tensors of a state, by names that none of its others has."""
    return {
        f"{BEHAVIOUR}/{name}/{mode}": logits
        for name, modes in behaviour.items()
        for mode, logits in modes.items()
    }


def _parted(
    tensors: Mapping[str, Tensor],
) -> tuple[dict[str, dict[str, Tensor]], dict[str, Tensor]]:
    """The behaviours among the tensors of a state, and the others."""
    behaviour: dict[str, dict[str, Tensor]] = {}
    others = {}
    for key, tensor in tensors.items():
        if key.startswith(f"{BEHAVIOUR}/"):
            _, name, mode = key.split("/")
            behaviour.setdefault(name, {})[mode] = tensor
        else:
            others[key] = tensor
    return behaviour, others


def write_state(
    path: str | os.PathLike[str],
    *,
    run: str,
    history: Sequence[Epoch],
    tensors: Mapping[str, Tensor],
    behaviour: Mapping[str, Modes] | None = None,
) -> None:
    """Write the state after the last epoch of ``history``, whole; ``run`` is its fingerprint.

    ``behaviour`` is that of the networks that the run began with, by what they are to it.
    """
    metadata = {"run": run, "history": json.dumps([asdict(epoch) for epoch in history])}
    tensors = {**tensors, **_by_name(behaviour or {})}
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    # tied weights, or a block that is held twice: the format has no tensors that share memory
    held: set[int] = set()
    for name, tensor in tensors.items():
        if (place := tensor.untyped_storage().data_ptr()) in held:
            tensors[name] = tensor.clone()
        held.add(place)
    metadata["checksum"] = fingerprint(metadata, tensors)
    with written_whole(path) as temporary:
        save_file(tensors, temporary, metadata)


def read_state(
    path: str | os.PathLike[str], *, run: str, behaviour: Mapping[str, Modes] | None = None
) -> tuple[list[Epoch], dict[str, Tensor]] | None:
    """The state of the run with this fingerprint, or None where there is none to go on from.

    The state of another run (a changed recipe, say), one whose networks behaved in another way than
    ``behaviour`` (their code was edited), or a damaged file is said and passed over: the run then
    starts anew.
    """
    if not Path(path).is_file():
        return None
    check_opens(path)
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            if metadata.get("run") != run:
                logger.info("the state in %s is that of another run; starting anew", path)
                return None
            checksum = metadata.pop("checksum")
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            if fingerprint(metadata, tensors) != checksum:
                raise ValueError("its checksum is another")
            before, tensors = _parted(tensors)
            for name, now in (behaviour or {}).items():
                if behaves_otherwise(before.get(name, {}), now):
                    logger.info(
                        "the state in %s is that of a %s that computed something else from the "
                        "same weights: its code was another; starting anew",
                        path,
                        name,
                    )
                    return None
            return [Epoch(**epoch) for epoch in json.loads(metadata["history"])], tensors
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        logger.warning("the state in %s cannot be read (%s); starting anew", path, error)
        return None
