"""Where a network is trained, and whether through torch's compiler: the processor and no, unless a variable says so.

On a GPU the training images stay in its memory and nothing waits for it between an epoch's first and last step.
No GPU was at hand when this was written: docs/gpu.md says what of it is tested, and how.
"""

import os
import re

import torch
from torch import nn

from suite.errors import MACHINE, SuiteError

DEVICE, COMPILE = "SUITE_DEVICE", "SUITE_COMPILE"
MODES = ("default", "reduce-overhead", "max-autotune")  # torch's; the second records CUDA graphs


def device() -> torch.device:
    """What SUITE_DEVICE names; raises `SuiteError` (2) where that is no device's name, (3) where it is not here."""
    named = os.environ.get(DEVICE) or "cpu"
    if not re.fullmatch(r"cpu|cuda(:\d{1,2})?", named):
        raise SuiteError(f"{DEVICE}: {named!r:.80} is no device that can be trained on.", "Name cpu, cuda or cuda:1.")
    found = torch.device(named)
    if found.type == "cuda" and (found.index or 0) >= torch.cuda.device_count():
        raise SuiteError(
            f"{DEVICE}: torch {torch.__version__} sees no {named} on this machine.",
            "Leave it out to train on the processor.",
            code=MACHINE,
        )
    return found


def device_name() -> str:
    """What numbers depend on: the GPU's own name; the processor has facts of its own."""
    found = device()
    return "cpu" if found.type == "cpu" else str(torch.cuda.get_device_name(found))


def compile_mode() -> str | None:
    """What SUITE_COMPILE names, None for no compiling; raises `SuiteError` (2) where torch has no such mode."""
    mode = os.environ.get(COMPILE) or None
    if mode and mode not in MODES:
        raise SuiteError(f"{COMPILE}: torch compiles in no mode {mode!r:.80}.", f"Name one of {', '.join(MODES)}.")
    return mode


def compiled(forward: nn.Module) -> nn.Module:
    """The same computation through torch's compiler, where that is asked for; its bits are others."""
    mode = compile_mode()
    return torch.compile(forward, mode=mode) if mode else forward


def require() -> None:
    """Raise where the variables ask for what is not there, before any process finds out for itself."""
    device()
    compile_mode()
