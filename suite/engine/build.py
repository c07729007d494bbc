"""The model, the loss and the optimiser of a recipe."""

import copy
import inspect
import itertools
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
from torch import nn
from torch.nn import functional
from torch.nn.parameter import is_lazy

from suite.data.dataset import GREY, Shape
from suite.engine import checkpoint, exact
from suite.engine.draws import set_seed
from suite.engine.faults import in_file
from suite.engine.own import own_loss, own_optimizer
from suite.errors import SuiteError
from suite.recipe import Recipe
from suite.recipe.arguments import Functions, bound

NONE: Functions = MappingProxyType({})
Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
Network = Callable[..., Any]


def call(network: Network, shape: Shape, classes: int, values: Mapping[str, Any]) -> Any:
    """What `network` returns for images (channels, height, width) of so many classes, and these hyper-parameters.

    A network that does not name `shape` or `classes` is not given them.
    """
    return bound(network, "network", values)(shape, classes)


def build_model(recipe: Recipe, network: Network, seed: int) -> nn.Module:
    """The network with the initial weights of this seed, as its file makes it: no image has passed through it.

    Only lazy layers get one pass, which draws their weights. Raises `SuiteError` (2), with the file and the line, if
    the network cannot be built or trained: it does not map the images of the recipe's data to a score for each class,
    has no parameters to train, has another size than its source says, or changes one of torch's global switches.
    """
    path = Path(network.__code__.co_filename)
    about, remedy = f", for images {recipe.shape} of {recipe.data}", _remedy(recipe, network)
    with exact.unchanged(path, "network()"), in_file(path, about=about, remedy=remedy):
        model = _initialised(recipe, network, seed)
        try:
            looked_at = copy.deepcopy(model)  # a pass may change a network: its counters, its caches
        except Exception:  # objects that cannot be copied, such as a torch.Generator
            looked_at, model = model, _initialised(recipe, network, seed)
    with exact.unchanged(path, "the network's forward()"), in_file(path, about=about, remedy=remedy):
        _require_trainable(model, network)
        _look(looked_at, recipe)
        if recipe.source and _published(network, recipe) and count_parameters(model) != recipe.source.parameters:
            raise SuiteError(
                f"the network has {count_parameters(model):,} parameters, its source {recipe.source.parameters:,}.",
                "Correct the network, or source.parameters in the recipe.",
            )
    return model


def materialise(model: nn.Module, shape: Shape) -> None:
    """Give lazy layers (`nn.LazyLinear`) their sizes and weights, by one pass of empty images as torch documents it.

    `shape` is (channels, height, width) of an image. The weights are drawn in the order of execution, after those of
    all other layers. Raises `SuiteError` (2) if the pass does not reach one of them.
    """
    if not _lazy(model):
        return
    model.eval()
    with torch.no_grad():  # not inference mode: parameters that are made in it cannot be trained
        model(torch.zeros(2, *shape))
    model.train()
    if left := _lazy(model):
        raise SuiteError(f"the size of {left[0]} is unknown: no image reaches its lazy layer.", "Remove or use it.")


def require_scores(scores: Any, given: tuple[int, ...], classes: int, *, training: bool = False) -> None:
    """Raise `SuiteError` (2) unless a network's output is one tensor of scores (n, classes).

    `given` is the shape (n, channels, height, width) of the images.
    """
    when = " in training" if training else ""
    if not isinstance(scores, torch.Tensor):
        raise SuiteError(
            f"the network returns a {type(scores).__name__}{when}, not one tensor of scores (n, {classes}).",
            "Return the scores alone.",
        )
    if tuple(scores.shape) != (given[0], classes):
        maps = f"maps images {tuple(given)} to {tuple(scores.shape)}{when}"
        raise SuiteError(
            f"the network {maps}, not to ({given[0]}, {classes}).", f"Its last layer must have {classes} outputs."
        )
    if not scores.is_floating_point():
        kind = str(scores.dtype).removeprefix("torch.")
        raise SuiteError(f"the network returns scores of type {kind}{when}.", "Return them as float32.")
    if training and not scores.requires_grad:
        raise SuiteError(
            "the network's scores do not depend on any parameter that is trained.",
            "Look for detach(), no_grad() or frozen layers.",
        )


def build_optimizer(recipe: Recipe, model: nn.Module, functions: Functions = NONE) -> torch.optim.Optimizer:
    """The recipe's optimiser: the file's own, or torch's in its fused version.

    That is the same arithmetic in one pass over the weights.
    """
    if recipe.optimizer == "own":
        return own_optimizer(recipe, functions, list(model.parameters()))
    fused = all(map(torch.is_floating_point, model.parameters()))  # complex numbers and integers have no such version
    options = {"fused": fused} if recipe.optimizer not in ("rmsprop", "nadam") else {}  # and neither have these two
    return torchs_optimizer(recipe, model, **options)


def torchs_optimizer(recipe: Recipe, model: nn.Module, **options: Any) -> torch.optim.Optimizer:
    """torch's optimiser of the recipe's name with the recipe's values, and with these options of its own."""
    options |= {"lr": recipe.lr, "weight_decay": recipe.weight_decay}
    match recipe.optimizer:
        case "rmsprop":
            return torch.optim.RMSprop(model.parameters(), momentum=recipe.momentum, **options)
        case "adam":
            return torch.optim.Adam(model.parameters(), betas=recipe.betas, **options)
        case "adamw":
            return torch.optim.AdamW(model.parameters(), betas=recipe.betas, **options)
        case "nadam":
            return torch.optim.NAdam(model.parameters(), betas=recipe.betas, **options)
    nesterov = recipe.optimizer == "nesterov"
    return torch.optim.SGD(model.parameters(), momentum=recipe.momentum, nesterov=nesterov, **options)


def build_loss(recipe: Recipe, functions: Functions = NONE) -> Loss:
    """A function that maps scores (n, classes) and labels (n,) to the mean loss of a training step."""
    if recipe.loss == "own":
        return own_loss(recipe, functions)
    if recipe.label_smoothing:
        return partial(functional.cross_entropy, label_smoothing=recipe.label_smoothing)
    return plain_loss(recipe)


def plain_loss(recipe: Recipe) -> Loss:
    """The same for an evaluation, which is never smoothed nor the file's own: so all recipes can be compared."""
    if recipe.loss != "mse-one-hot":
        return functional.cross_entropy
    classes = recipe.classes
    return lambda scores, labels: functional.mse_loss(scores, functional.one_hot(labels, classes).to(scores.dtype))


def count_parameters(model: nn.Module) -> int:
    """The number of values in all parameters of the model."""
    return sum(parameter.numel() for parameter in model.parameters())


def _draw_normal(model: nn.Module, std: float) -> None:
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith("bias"):
                parameter.zero_()
            else:
                parameter.normal_(0.0, std)


def _arguments(network: Network, shape: Shape, classes: int) -> dict[str, Any]:
    wanted = inspect.signature(network).parameters
    return {name: value for name, value in {"shape": shape, "classes": classes}.items() if name in wanted}


def _published(network: Network, recipe: Recipe) -> bool:
    """Whether the network has its published size: data and hyper-parameters are those of its defaults."""
    wanted = inspect.signature(network).parameters
    own = {name: value for name, value in recipe.arguments.items() if name in wanted}
    given = {**_arguments(network, recipe.shape, recipe.classes), **own}
    return all(wanted[name].default == value for name, value in given.items())


def _remedy(recipe: Recipe, network: Network) -> str:
    if recipe.shape == GREY:
        return "Fix the network."
    if "shape" in _arguments(network, recipe.shape, recipe.classes):
        return "Choose data with images that it can take, or fix the network."
    return "Write it as network(shape, classes), or choose data with the images that it is made for."


def _initialised(recipe: Recipe, network: Network, seed: int) -> nn.Module:
    set_seed(seed, "init", 0)
    model = call(network, recipe.shape, recipe.classes, recipe.arguments)
    if not isinstance(model, nn.Module):
        raise SuiteError(f"network() must return a torch.nn.Module, got {model!r:.80}.", "Return the network itself.")
    materialise(model, recipe.shape)
    if recipe.init_std is not None:
        _draw_normal(model, recipe.init_std)
    return model.train()


def _require_trainable(model: nn.Module, network: Network) -> None:
    """Raise `SuiteError` (2) if no parameter is trained, a seed has no effect, or a checkpoint could not hold it."""
    trained = {id(weights) for weights in model.parameters() if weights.requires_grad}
    if not trained:
        frozen = f": its {count_parameters(model):,} parameters are frozen" if count_parameters(model) else ""
        raise SuiteError(f"the network has no parameter to train{frozen}.", "Set requires_grad, or add a layer.")
    for name, value in network.__globals__.items():
        if isinstance(value, nn.Module) and trained & {id(weights) for weights in value.parameters()}:
            raise SuiteError(
                f"the layers of {name} are made before the seed is set, so all seeds would begin with equal weights.",
                "Make them inside network().",
            )
    for name, value in model.state_dict().items():
        if not checkpoint.holds(value):
            tensor = isinstance(value, torch.Tensor)
            kind = f"a tensor {value.dtype} {value.layout}" if tensor else f"a {type(value).__name__}"
            raise SuiteError(f"{name} of the network is {kind}, which a checkpoint cannot hold.", "Use a dense tensor.")


def _look(model: nn.Module, recipe: Recipe) -> None:
    """Require scores for two empty images, in evaluation; a pass in training would draw and count."""
    model.eval()
    with torch.inference_mode():
        images = torch.zeros(2, *recipe.shape)
        require_scores(model(images), images.shape, recipe.classes)


def _lazy(model: nn.Module) -> list[str]:
    """The names of parameters and buffers that have no size yet."""
    named = itertools.chain(model.named_parameters(), model.named_buffers())
    return [name for name, tensor in named if is_lazy(tensor)]
