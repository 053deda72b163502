"""A network cut at its blocks: what comes before them, between them, and after them.

The network is traced by ``torch.fx`` with its blocks as they are, so only the code around the
blocks has to be traceable. The pieces are functions of the network and one tensor; they look their
layers up in the network when they run, so they stay right for copies and replaced layers.
"""

import itertools
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from torch import Tensor, fx, nn

Piece = Callable[[nn.Module, Tensor], Tensor]
"""A part of a network's forward pass: the network and a tensor in, a tensor out."""


@dataclass(frozen=True)
class Link:
    """What lies between two blocks and is none: a downsampling or merging layer, say."""

    name: str
    """The path of its module, or the blocks that it links where it is none."""
    piece: Piece | None
    """The code between the blocks where it is no module of its own."""

    def module(self, body: nn.Module) -> nn.Module:
        """The link as a module of the network ``body``."""
        if self.piece is None:
            return body.get_submodule(self.name)
        return _Step(self.piece, body)


class _Step(nn.Module):
    """A piece of a network as a module without parameters of its own."""

    def __init__(self, piece: Piece, body: nn.Module) -> None:
        super().__init__()
        # in a tuple, so that the network's modules do not count as parts of this one
        self.step = (piece, body)

    def forward(self, x: Tensor) -> Tensor:
        """One tensor to the next."""
        piece, body = self.step
        return piece(body, x)


@dataclass(frozen=True)
class Trunk:
    """The pieces of a network around its blocks."""

    enter: Piece
    """Normalised images to the input of the first block."""
    links: dict[str, Link]
    """The link in front of a block, by the name of that block, where there is one."""
    pool: Piece
    """Output of the last block to the pooled representation (n, features)."""
    classifier: str
    """Path of the linear layer that turns the pooled representation into logits."""


class _Tracer(fx.Tracer):
    """Traces through the modules in ``through`` only; all others are steps of their own."""

    def __init__(self, through: Collection[str]) -> None:
        super().__init__()
        self.through = through

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return module_qualified_name not in self.through


def ancestors(name: str) -> list[str]:
    """Paths of the modules that hold the module ``name``, the outermost first."""
    parts = name.split(".")
    return [".".join(parts[:length]) for length in range(1, len(parts))]


def cut(body: nn.Module, blocks: Sequence[str]) -> Trunk:
    """Cut ``body`` at its ``blocks``, given in the order in which they run.

    Raises ValueError in one line where the blocks are not one path from the images to a linear
    classifier.
    """
    graph, head = _traced(body, blocks)
    calls = {node.target: node for node in graph.nodes if node.op == "call_module"}
    missing = [name for name in blocks if name not in calls]
    if missing:
        raise ValueError(f"{', '.join(missing)} does not run when the network does")
    nodes = [calls[name] for name in blocks]
    (images,) = [node for node in graph.nodes if node.op == "placeholder"]
    links = {}
    for before, after in itertools.pairwise(nodes):
        if after.args[0] is not before:
            links[str(after.target)] = _link(body, before, after)
    return Trunk(
        enter=_piece(body, images, _input(nodes[0])),
        links=links,
        pool=_piece(body, nodes[-1], _input(head)),
        classifier=str(head.target),
    )


def _traced(body: nn.Module, blocks: Sequence[str]) -> tuple[fx.Graph, fx.Node]:
    """The graph of ``body``, and its last step: a linear layer."""
    through = {parent for name in blocks for parent in ancestors(name)}
    while True:
        try:
            graph = _Tracer(through).trace(body)
        except Exception as error:
            reason = " ".join(str(error).split())
            raise ValueError(
                f"the code around its blocks cannot be traced by torch.fx: {reason}"
            ) from error
        if sum(node.op == "placeholder" for node in graph.nodes) != 1:
            raise ValueError("forward should take the images and nothing else")
        (output,) = next(node for node in graph.nodes if node.op == "output").args
        if not isinstance(output, fx.Node) or output.op != "call_module":
            raise ValueError(
                "the last step should be a linear layer (torch.nn.Linear) whose logits"
                " are returned as they are"
            )
        last = str(output.target)
        module = body.get_submodule(last)
        if isinstance(module, nn.Linear):
            return graph, output
        if last in blocks or not list(module.children()):
            raise ValueError(
                f"the last step should be a linear layer (torch.nn.Linear), and {last} is none"
            )
        # the head is a module of its own: look for its last step
        through.add(last)


def _input(node: fx.Node) -> fx.Node:
    (tensor,) = node.all_input_nodes
    return tensor


def _link(body: nn.Module, before: fx.Node, after: fx.Node) -> Link:
    end = _input(after)
    if end.op == "call_module" and end.args == (before,) and not end.kwargs:
        return Link(str(end.target), None)
    return Link(f"{before.target} to {after.target}", _piece(body, before, end))


def _piece(body: nn.Module, start: fx.Node, end: fx.Node) -> Piece:
    """All that computes ``end`` from ``start`` as a function.

    Raises ValueError where something else is needed for it: then the trunk is no single path.
    """
    needed: set[fx.Node] = set()
    waiting = [end]
    while waiting:
        node = waiting.pop()
        if node is start or node in needed:
            continue
        if node.op == "placeholder":
            raise ValueError(
                f"what follows {start.target} also uses something from before it: blocks should "
                "follow one another in a single path"
            )
        needed.add(node)
        waiting.extend(node.all_input_nodes)
    graph = fx.Graph()
    copies = {start: graph.placeholder("x")}
    for node in start.graph.nodes:
        if node in needed:
            copies[node] = graph.node_copy(node, copies.__getitem__)
    graph.output(copies[end])
    return type(fx.GraphModule(body, graph)).forward
