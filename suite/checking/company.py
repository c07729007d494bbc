"""Whether the scores of an image depend on the batch in which it is evaluated. Loads torch."""

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from suite.checking.findings import FIX, OK, Finding

SAME = 1e-3  # the largest change of a score, in parts of the largest score, that is rounding
ALONE = 4  # images that are evaluated alone
CAUSE = "Statistics of the batch (BatchNorm without running statistics, a mean over dimension 0) cause this."

Outputs = list[tuple[str, torch.Tensor]]  # of each layer by name, in their order; the network's own is the last


def company(model: nn.Module, pixels: torch.Tensor) -> Finding:
    """Evaluate a batch (n, channels, height, width), the same in reverse, half of it, and some of its images alone."""
    half = len(pixels) // 2
    model.eval()
    with torch.inference_mode():
        whole = _outputs(model, pixels)
        if not whole[-1][1].isfinite().all():
            return Finding("evaluation", FIX, "the scores are no finite numbers after a few steps. Give a smaller lr.")
        turned = [(name, output.flip(0)) for name, output in _outputs(model, pixels.flip(0))]
        words = _changes("with the order of its batch", whole, turned)
        begun = [(name, output[:half]) for name, output in whole]
        words = words or _changes("with its company", begun, _outputs(model, pixels[:half]))
        if not words:  # a network that depends on its batch may not take one image
            alone = torch.cat([model(one[None]) for one in pixels[:ALONE]])
            words = _changes("if it is alone", [("", whole[-1][1][:ALONE])], [("", alone)])
    model.train()
    if words:
        return Finding("evaluation", FIX, f"{words} {CAUSE}")
    return Finding("evaluation", OK, "the scores of an image do not depend on the order or the company of its batch.")


def _changes(when: str, one: Outputs, other: Outputs) -> str:
    """By how much the scores differ, and in which layer it begins; empty if they are the same up to rounding."""
    change = _difference(one[-1][1], other[-1][1])
    if not change:
        return ""
    where = next((name for (name, a), (_, b) in zip(one, other, strict=False) if name and _difference(a, b)), "")
    return f"the scores of an image change by up to {change:.3g} {when}{f', first seen in {where}' if where else ''}."


def _difference(one: torch.Tensor, other: torch.Tensor) -> float:
    """The largest difference; 0 if it is rounding, or if the two cannot be compared."""
    if one.shape != other.shape or not one.is_floating_point():
        return 0.0
    found = float((one - other).abs().max())
    return found if found > SAME * float(one.abs().max()) + 1e-6 else 0.0


def _outputs(model: nn.Module, pixels: torch.Tensor) -> Outputs:
    """What each layer makes of a batch, if it keeps the images apart."""
    found: Outputs = []

    def note(name: str) -> Callable[[nn.Module, Any, Any], None]:
        def hook(module: nn.Module, _given: Any, output: Any) -> None:
            if isinstance(output, torch.Tensor) and output.dim() and len(output) == len(pixels):
                found.append((f"{name} ({type(module).__name__})", output.clone()))

        return hook

    hooks = [
        one.register_forward_hook(note(name))
        for name, one in model.named_modules()
        if name and not list(one.children()) and not isinstance(one, torch.jit.ScriptModule)  # it takes no hooks
    ]
    try:
        scores = model(pixels)
    finally:
        for hook in hooks:
            hook.remove()
    return [*found, ("", scores)]
