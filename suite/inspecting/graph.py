"""The steps of a network and the ways between them, by `torch.fx`; where it cannot, the calls of the layers."""

import operator
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import fx, nn
from torch.fx.passes.shape_prop import ShapeProp
from torch.nn.utils.parametrize import is_parametrized

from suite.inspecting.passes import Call, kind
from suite.inspecting.seen import Graph, Node


def graph(model: nn.Module, image: torch.Tensor, calls: Sequence[Call]) -> Graph:
    """The graph of a network for an image (1, channels, height, width); `calls` are those of one pass."""
    try:
        found = _traced(model, image)
    except Exception:  # what the network does depends on the numbers, or cannot be followed for another reason
        found = _called(image, calls)
    total = sum(one.numel() for one in model.parameters())
    elsewhere = total - sum(node.parameters for node in found.nodes)
    return Graph(found.nodes, found.edges, found.traced, elsewhere)


class _Tracer(fx.Tracer):  # type: ignore[misc]  # torch.fx gives no types
    def is_leaf_module(self, module: nn.Module, name: str) -> bool:
        return is_parametrized(module) or bool(super().is_leaf_module(module, name))


def _traced(model: nn.Module, image: torch.Tensor) -> Graph:
    """The graph by symbolic tracing. Steps that make no tensor, such as a size, are left out."""
    program = fx.GraphModule(model, _Tracer().trace(model))
    ShapeProp(program).propagate(image)
    count = _counter()
    nodes: list[Node] = []
    places: dict[fx.Node, int] = {}  # of the step that makes the node's tensor
    edges: dict[tuple[int, int], None] = {}
    for node in program.graph.nodes:
        if node.op in ("get_attr", "output") or "tensor_meta" not in node.meta:
            continue
        sources = [places[one] for one in node.all_input_nodes if one in places]
        if node.target is operator.getitem and len(sources) == 1 and not _is_tensor(node.args[0]):
            places[node] = sources[0]
            continue
        places[node] = len(nodes)
        edges |= {(source, len(nodes)): None for source in sources}
        nodes.append(Node(_kind(program, node), _shape(node), sum(map(count, _parameters(program, node)))))
    return Graph(nodes, list(edges), traced=True)


def _called(image: torch.Tensor, calls: Sequence[Call]) -> Graph:
    count = _counter()
    nodes = [Node("image", tuple(image.shape[1:]), 0)]
    nodes += [
        Node(kind(one.module), tuple(one.output.shape[1:]), sum(map(count, one.module.parameters()))) for one in calls
    ]
    return Graph(nodes, [(place, place + 1) for place in range(len(calls))], traced=False)


def _counter() -> Callable[[torch.Tensor], int]:
    """A function that gives the size of a parameter the first time, and then 0."""
    met: set[int] = set()

    def count(parameter: torch.Tensor) -> int:
        new = id(parameter) not in met
        met.add(id(parameter))
        return parameter.numel() if new else 0

    return count


def _kind(program: fx.GraphModule, node: fx.Node) -> str:
    match node.op:
        case "placeholder":
            return "image"
        case "call_module":
            return kind(program.get_submodule(str(node.target)))
        case _:
            return str(getattr(node.target, "__name__", node.target))


def _parameters(program: fx.GraphModule, node: fx.Node) -> list[nn.Parameter]:
    """The parameters that a step uses: those of its layer, or those that its function is given."""
    if node.op == "call_module":
        return list(program.get_submodule(str(node.target)).parameters())
    given = [operator.attrgetter(str(one.target))(program) for one in node.all_input_nodes if one.op == "get_attr"]
    return [one for one in given if isinstance(one, nn.Parameter)]


def _is_tensor(node: Any) -> bool:
    return hasattr(node.meta["tensor_meta"], "shape")


def _shape(node: fx.Node) -> tuple[int, ...] | None:
    meta = node.meta["tensor_meta"]
    first = meta if hasattr(meta, "shape") else next((one for one in meta if hasattr(one, "shape")), None)
    return None if first is None else tuple(first.shape[1:])
