"""Where a training keeps what it would go on from, and until when. No torch.

A training that has ended cannot know whether its network was accepted: Snakemake deletes the
outputs of a job that it lost sight of, or whose files look older than their inputs. So the state
of the last epoch stays until a later job has used the network. A training that is done again finds
itself finished by it, and only writes its outputs once more.
"""

import os
from pathlib import Path

from layer_pruning.runtime.atomic import forget_unfinished

STATE = "scratch/state.safetensors"
"""The state of a training, beside the network that is to come of it."""


def account_of(state: str | os.PathLike[str]) -> Path:
    """The file with the energy of the epochs whose state is at ``state``."""
    return Path(state).with_suffix(".energy.json")


def forget_training(network: str | os.PathLike[str]) -> None:
    """Delete what the training of the network file ``network`` kept: the file is in use."""
    state = Path(network).parent / STATE
    for path in (state, account_of(state)):
        path.unlink(missing_ok=True)
        # a state is as large as three networks, and a kill may leave one half written
        forget_unfinished(path)
