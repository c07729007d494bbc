"""The device of a training, and the use of torch's compiler. Default: the CPU without the compiler.

On a GPU the training images stay in its memory, and the program does not wait for the GPU within an epoch.
This was written without a GPU; docs/gpu.md says what is tested, and how.
"""

import os
import re

import torch
from torch import nn

from suite.errors import MACHINE, SuiteError

DEVICE, COMPILE = "SUITE_DEVICE", "SUITE_COMPILE"
MODES = ("default", "reduce-overhead", "max-autotune")  # modes of torch.compile; the second records CUDA graphs


def device() -> torch.device:
    """The device that SUITE_DEVICE names; raises `SuiteError`: 2 for an unknown name, 3 if this machine lacks it."""
    named = os.environ.get(DEVICE) or "cpu"
    if not re.fullmatch(r"cpu|cuda(:\d{1,2})?", named):
        raise SuiteError(f"{DEVICE}: {named!r:.80} is not a device for training.", "Name cpu, cuda or cuda:1.")
    found = torch.device(named)
    if found.type == "cuda" and (found.index or 0) >= torch.cuda.device_count():
        raise SuiteError(
            f"{DEVICE}: torch {torch.__version__} sees no {named} on this machine.",
            "Leave it out to train on the processor.",
            code=MACHINE,
        )
    return found


def device_name() -> str:
    """The name of the GPU, or `cpu`; the environment describes the processor separately."""
    found = device()
    return "cpu" if found.type == "cpu" else str(torch.cuda.get_device_name(found))


def compile_mode() -> str | None:
    """The mode that SUITE_COMPILE names, None if it is unset; raises `SuiteError` (2) for an unknown mode."""
    mode = os.environ.get(COMPILE) or None
    if mode and mode not in MODES:
        raise SuiteError(f"{COMPILE}: torch has no compile mode {mode!r:.80}.", f"Name one of {', '.join(MODES)}.")
    return mode


def compiled(forward: nn.Module) -> nn.Module:
    """The module, compiled by torch if SUITE_COMPILE asks for it; compiled results differ in their last bits."""
    mode = compile_mode()
    return torch.compile(forward, mode=mode) if mode else forward


def require() -> None:
    """Check both variables before any process starts; raises `SuiteError` as `device` and `compile_mode` do."""
    device()
    compile_mode()
