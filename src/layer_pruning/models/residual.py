"""A network with its normalisation inside, less the blocks that were removed from it."""

import os
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, nn

from layer_pruning.models.architectures import architecture
from layer_pruning.models.block_weights import block_weights, weight_names
from layer_pruning.models.blocks import Block
from layer_pruning.models.bodies import drawn_body, new_body
from layer_pruning.models.calls import evaluating
from layer_pruning.models.copies import copied
from layer_pruning.models.head import features_of, heads, logits_of
from layer_pruning.models.header import NetworkHeader
from layer_pruning.models.learnt import learnt_weights
from layer_pruning.models.network_file import (
    check_build,
    named_by_caller,
    read_header,
    read_network,
    write_network,
)
from layer_pruning.models.specifications import FoundNetwork, OwnNetwork
from layer_pruning.models.surroundings import take_out, without
from layer_pruning.runtime.callers_modes import outside_callers_modes
from layer_pruning.runtime.random_draws import drawn_images

# whoever traces a network by torch.fx need not follow what only looks at a type
torch.fx.wrap("logits_of")


class ResidualNetwork(nn.Module):
    """Any network with residual blocks, less those that its header lists as removed.

    Takes images in [0, 1] of shape (n, channels, height, width) and gives logits (n, classes).
    Normalisation is inside, so that attacks and exports cannot get it wrong. ``body`` is the
    network itself, as its own code builds it, and its own ``forward`` is what runs; the names of
    blocks and of tensors in a network file are paths in it.

    In the place of a removed block stands what gives its arguments back. The block did so once
    its residual branch was gone (:mod:`layer_pruning.models.discovery`), so removal equals
    bypassing exactly.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, header: NetworkHeader, body: nn.Module | None = None) -> None:
        """``body`` is the unpruned module of the header's architecture; None builds one.

        Raises ValueError in one line where the header does not describe a network.
        """
        super().__init__()
        # those of a file, which training changes
        self.header = replace(header, weights={}) if header.weights else header
        network = architecture(header.architecture, header.arguments, header.input_shape)
        if body is None:
            check_build(header)
            body = new_body(
                network, input_shape=header.input_shape, classes=len(header.class_names)
            )
        # a grey image is a colour image with three equal channels
        self._channels = header.input_shape[0]
        if isinstance(network, FoundNetwork):
            self._channels = network.channels
        if {len(header.mean), len(header.std)} - {1, self._channels}:
            raise ValueError(
                f"{header.architecture}: mean and std should have {self._channels} numbers each, "
                f"not {len(header.mean)} and {len(header.std)}"
            )
        take_out_removed(body, header)
        # not persistent: the header holds them, and a state dict should hold what is learnt
        for name, value in _statistics(header, _like(body)).items():
            self.register_buffer(name, value, persistent=False)
        self.body = body.train()
        self.block_names = header.kept_blocks()
        self._heads: list[str] = []

    def blocks(self) -> dict[str, nn.Module]:
        """The blocks that are left, by name, in network order."""
        return {name: self.body.get_submodule(name) for name in self.block_names}

    def normalised(self, images: Tensor) -> Tensor:
        """Images as the body takes them: normalised, in colour where it asks for that."""
        x = (images - self.mean) / self.std
        return x.expand(-1, self._channels, -1, -1)

    def forward(self, images: Tensor) -> Tensor:
        """Logits of ``images``."""
        return logits_of(self.body(self.normalised(images)))

    def bypassing(self, block: str, images: Tensor) -> Tensor:
        """Logits of ``images`` as if the residual branch of ``block`` were gone.

        Raises ValueError in one line where there is no such block, or it cannot go.
        """
        self.header.without(block)
        with without(self.body, [self.block(block)]):
            logits: Tensor = self(images)
        return logits

    def features(self, images: Tensor, bypass: str | None = None) -> Tensor:
        """Features (n, d) of ``images``: what the classifier is given, pooled where it is not.

        With ``bypass``, as if that block's residual branch were gone, see :meth:`bypassing`.
        """
        seen: list[Tensor] = []
        with self.features_seen(seen.append):
            self(images) if bypass is None else self.bypassing(bypass, images)
        return seen[0]

    @outside_callers_modes()
    def less(self, removed_blocks: Sequence[str]) -> "ResidualNetwork":
        """A copy without ``removed_blocks``, in the order of their removal.

        All else is as here: modes, precision, device, hooks, what was added or frozen. Blocks that
        are gone already stay gone, and may be among ``removed_blocks``. Raises ValueError in one
        line for one that is no block, cannot go, or is named twice.
        """
        if len(set(removed_blocks)) < len(removed_blocks):
            raise ValueError(f"a block is named twice: {', '.join(removed_blocks)}")
        header = self.header
        for name in removed_blocks:
            if name not in self.header.removed_blocks:
                header = header.without(name)
        smaller = copied(self)
        smaller.header = header
        smaller.block_names = smaller.header.kept_blocks()
        take_out_removed(smaller.body, smaller.header)
        return smaller

    @contextmanager
    def features_seen(self, use: Callable[[Tensor], None]) -> Iterator[None]:
        """Call ``use`` with the features of whatever goes through the network meanwhile."""
        head = self.classifier
        handle = head.register_forward_pre_hook(lambda _, given: use(features_of(given[0], head)))
        try:
            yield
        finally:
            handle.remove()

    @outside_callers_modes()
    def in_float32(self) -> "ResidualNetwork":
        """The network itself, or a copy of one of another precision."""
        if self.mean.dtype == torch.float32:
            return self
        return _made_float32(copied(self))

    @property
    def classifier(self) -> nn.Module:
        """The layer that turns features into logits, the first one where there are two heads."""
        return self.body.get_submodule(self.classifier_names()[0])

    def classifier_names(self) -> list[str]:
        """Paths in the body of the layers that give logits: one, or several heads side by side.

        An image goes through the network to find them. Raises ValueError where there is none.
        """
        if not self._heads:
            images = drawn_images(2, self.header.input_shape).to(self.mean)
            blocks = [self.body.get_submodule(block.name) for block in self.header.blocks]
            with evaluating(self), torch.no_grad():
                self._heads = heads(self.body, self.normalised(images), blocks)
        return self._heads

    def block(self, name: str) -> Block:
        """What the header says of a block. Raises ValueError where there is none of that name."""
        self.header.check_block(name)
        return next(block for block in self.header.blocks if block.name == name)


def _made_float32(network: ResidualNetwork) -> ResidualNetwork:
    network.float()
    # what was rounded on the way is in the header as it was
    for name, value in _statistics(network.header, _like(network.body)).items():
        getattr(network, name).copy_(value)
    return network


def _statistics(header: NetworkHeader, like: Tensor) -> dict[str, Tensor]:
    """Mean and standard deviation by which images are normalised, as they are broadcast.

    Of the precision and on the device of ``like``, whatever the defaults of PyTorch are.
    """
    given = {"mean": header.mean, "std": header.std}
    return {
        name: torch.tensor(value, dtype=like.dtype, device=like.device).view(1, -1, 1, 1)
        for name, value in given.items()
    }


def _like(body: nn.Module) -> Tensor:
    """A tensor of the precision and device in which a body takes images."""
    usual = torch.empty(0, dtype=torch.float32, device="cpu")
    return next((p for p in body.parameters() if p.is_floating_point()), usual)


def take_out_removed(body: nn.Module, header: NetworkHeader) -> None:
    """Replace what ``header`` lists as removed. Raises ValueError for a block that is not there."""
    removed = set(header.removed_blocks)
    for block in header.blocks:
        for path in block.paths:
            _check_path(body, path)
        if block.name in removed:
            take_out(body, block)


def _check_path(body: nn.Module, path: str) -> None:
    try:
        body.get_submodule(path)
    except AttributeError as error:
        raise ValueError(f"the module has no {path}: it is not like the one that had") from error


def new_network(header: NetworkHeader, seed: int) -> ResidualNetwork:
    """An untrained network, drawn from ``seed``.

    Raises ValueError where a file alone names the code that builds it, see
    :func:`layer_pruning.models.network_file.check_build`.
    """
    check_build(header)
    body = drawn_body(
        architecture(header.architecture, header.arguments, header.input_shape),
        input_shape=header.input_shape,
        classes=len(header.class_names),
        seed=seed,
    )
    return ResidualNetwork(header, body)


def load_network(
    path: str | os.PathLike[str],
    device: str | torch.device = "cpu",
    body: nn.Module | None = None,
    *,
    build: str | None = None,
) -> ResidualNetwork:
    """Rebuild the network of a network file, in evaluation mode and float32.

    ``body`` is an unpruned module to put the weights into; None builds one. Of a user's own
    network it is built by ``build``, ``package.module:function``, where the file names the same.
    Raises FileNotFoundError, or ValueError in one line naming the file and the tensor, before
    anything is imported or built.
    """
    try:
        claimed = named_by_caller(read_header(path), build)
        if body is None:
            check_build(claimed)
    except ValueError as error:
        raise ValueError(_naming(path, error)) from error
    read, tensors = read_network(path)
    header = replace(read, may_build=claimed.may_build)
    try:
        if body is None:
            _check_fits(path, _skeleton(header), tensors)
        else:
            # before anything is taken out of it
            fitting = ResidualNetwork(header, copied(body)).body
            _check_fits(path, fitting.state_dict(), tensors)
        # what a module of another precision would make of the weights is not what the file holds
        network = _made_float32(ResidualNetwork(header, body))
    except ValueError as error:
        raise ValueError(_naming(path, error)) from error
    _check_fits(path, network.body.state_dict(), tensors)
    put_tensors(network.body, {name: torch.from_numpy(value) for name, value in tensors.items()})
    return network.to(device).eval()


def _naming(path: str | os.PathLike[str], error: ValueError) -> str:
    said = str(error)
    return said if said.startswith(f"{path}: ") else f"{path}: {said}"


def _skeleton(header: NetworkHeader) -> dict[str, Tensor] | None:
    """The tensors that the network of ``header`` has, without memory for their numbers.

    A file can describe a network that no machine holds. None for a user's own, whose code may
    need real tensors.
    """
    network = architecture(header.architecture, header.arguments, header.input_shape)
    if isinstance(network, OwnNetwork):
        return None
    try:
        with torch.device("meta"):
            body = new_body(
                network, input_shape=header.input_shape, classes=len(header.class_names)
            )
    except (RuntimeError, OverflowError) as error:
        said = " ".join(str(error).split())[:200]
        raise ValueError(f"it describes a network that cannot be built ({said})") from error
    take_out_removed(body, header)
    return dict(body.state_dict())


def _check_fits(
    path: str | os.PathLike[str],
    wanted: Mapping[str, Tensor] | None,
    tensors: Mapping[str, np.ndarray],
) -> None:
    """Raise ValueError, naming file and tensor, unless ``tensors`` are those ``wanted``."""
    if wanted is None:
        return
    if set(wanted) != set(tensors):
        differing = sorted(set(wanted) ^ set(tensors))
        raise ValueError(f"{path}: weights missing or not wanted: {', '.join(differing[:5])}")
    for name, tensor in tensors.items():
        if tuple(wanted[name].shape) != tensor.shape:
            raise ValueError(
                f"{path}: {name} has shape {tensor.shape}, not {tuple(wanted[name].shape)}"
            )


def put_tensors(module: nn.Module, tensors: Mapping[str, Tensor]) -> None:
    """Put ``tensors``, all that a state dict of ``module`` has, into it as they are.

    A state dict also says which version of the code it is of. Without that, modules take it for
    an old one and convert it, as MNASNet of torchvision does.
    """
    state = OrderedDict(tensors)
    # load_state_dict looks for this attribute
    state._metadata = module.state_dict()._metadata  # type: ignore[attr-defined]
    module.load_state_dict(state)


def save_network(network: ResidualNetwork, path: str | os.PathLike[str]) -> None:
    """Write the network file of ``network``, whole.

    Numbers of a format that NumPy lacks (bfloat16) are written as float32, which holds them all.
    Raises ValueError in one line, naming ``path``, for what cannot be read again, see
    :func:`layer_pruning.models.network_file.write_network`, and for a module whose state is more
    than tensors.
    """
    for name, value in network.body.state_dict().items():
        if not isinstance(value, Tensor):
            raise ValueError(
                f"{path}: {name} is no tensor but a {type(value).__name__}, which no network file "
                "holds; nothing was written"
            )
    arrays, learnt = arrays_of(network), learnt_arrays(network)
    told = {
        block: block_weights(learnt, block)
        for block in network.block_names
        if weight_names(learnt, block) != weight_names(arrays, block)
    }
    write_network(path, replace(network.header, weights=told), arrays)


def arrays_of(network: ResidualNetwork) -> dict[str, np.ndarray]:
    """The tensors of a network file, on the CPU: of a state dict, all that are tensors."""
    state = network.body.state_dict()
    return {name: _array(value) for name, value in state.items() if isinstance(value, Tensor)}


def learnt_arrays(network: ResidualNetwork) -> dict[str, np.ndarray]:
    """What a network has learnt, on the CPU, see :mod:`layer_pruning.models.learnt`."""
    return {name: _array(value) for name, value in learnt_weights(network.body).items()}


def _array(tensor: Tensor) -> np.ndarray:
    own = tensor.detach().cpu()
    known = own.dtype in (torch.float64, torch.float32, torch.float16)
    array: np.ndarray = (own.float() if own.is_floating_point() and not known else own).numpy()
    return array
