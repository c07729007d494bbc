"""torch's global switches that can change the bits of a training, with the values under which the suite trains.

Most values are torch's own defaults; the others make a run exact. Each switch was tried on small networks. Those are
kept that changed weights or predictions, that broke the training, or that select other arithmetic by torch's own words.
"""

import sys
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import torch
from torch.nn.modules import module
from torch.optim import optimizer
from torch.utils import _device, deterministic

from suite.errors import SuiteError

_C = torch._C
_HOOKS = (
    module._global_forward_hooks, module._global_forward_pre_hooks, module._global_backward_hooks,
    module._global_backward_pre_hooks, module._global_module_registration_hooks,
    module._global_parameter_registration_hooks, module._global_buffer_registration_hooks,
    optimizer._global_optimizer_pre_hooks, optimizer._global_optimizer_post_hooks,
)  # fmt: skip


class Switch(NamedTuple):
    """One global switch: its name in messages, how to read it, the suite's value, how to set it (None: impossible)."""

    name: str
    get: Callable[[], Any]
    value: Any
    put: Callable[[Any], None] | None


def _attribute(name: str, holder: Any, value: Any) -> Switch:
    """A switch that is read and set as the attribute of a holder, which is named before it."""
    attribute = name.rpartition(".")[2]
    return Switch(name, partial(getattr, holder, attribute), value, partial(setattr, holder, attribute))


def _precision(backend: str, operation: str, value: str = "ieee") -> Switch:
    """The arithmetic of float32; `none` and `ieee` both mean real float32, of which torch's default is `none`."""

    def get() -> str:
        return str(_C._get_fp32_precision_getter(backend, operation)).replace("none", "ieee")

    def put(value: str) -> None:
        _C._set_fp32_precision_setter(backend, operation, value.replace("ieee", "none"))

    return Switch(f"fp32_precision of {backend}.{operation}", get, value, put)


def _old(name: str, get: Callable[[], Any], value: Any, put: Callable[[Any], None]) -> Switch:
    """An older switch for the arithmetic of float32. torch refuses to read it after a newer one was used instead."""

    def read() -> Any:
        try:
            return get()
        except RuntimeError:
            return value  # the newer ones have rows of their own

    return Switch(name, read, value, put)


def _put_deterministic(value: tuple[bool, bool]) -> None:
    torch.use_deterministic_algorithms(value[0], warn_only=value[1])


def _deterministic() -> tuple[bool, bool]:
    return torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()


def _flushes_denormals() -> bool:
    smallest = sys.float_info.min  # torch cannot say; Python's own arithmetic shows it
    return smallest / 2 == 0


def _einsum() -> tuple[bool, str | None]:
    return torch.backends.opt_einsum.enabled, torch.backends.opt_einsum.strategy


def _put_einsum(value: tuple[bool, str | None]) -> None:
    if torch.backends.opt_einsum.is_available():
        torch.backends.opt_einsum.set_flags(*value)


def _empty(length: Callable[[], int], pop: Callable[[], Any]) -> Callable[[int], None]:
    """Takes from a stack of torch's until it has the wanted length."""

    def put(wanted: int) -> None:
        while length() > wanted:
            pop()

    return put


def _hooks() -> int:
    return sum(map(len, _HOOKS))


def _put_hooks(_none: int) -> None:
    for hooks in _HOOKS:
        hooks.clear()


def _tensor_hooks() -> int:
    return int(_C._autograd._top_saved_tensors_default_hooks(True) is not None)


# They are set in this order: the older switches for float32 before the newer ones, which they change too.
SWITCHES = (
    Switch("torch.set_default_dtype", torch.get_default_dtype, torch.float32, torch.set_default_dtype),
    Switch("torch.set_default_device", lambda: _device.CURRENT_DEVICE, None, torch.set_default_device),
    _attribute("torch.backends.mkldnn.enabled", torch.backends.mkldnn, True),
    _attribute("torch.backends.mkldnn.deterministic", torch.backends.mkldnn, False),
    _old("torch.set_float32_matmul_precision", torch.get_float32_matmul_precision, "highest",
         torch.set_float32_matmul_precision),
    _old("torch.backends.cudnn.allow_tf32", _C._get_cudnn_allow_tf32, True, _C._set_cudnn_allow_tf32),
    *(_precision("mkldnn", operation) for operation in ("all", "conv", "matmul", "rnn")),
    _precision("generic", "all"),
    *(_precision("cuda", operation, "tf32") for operation in ("conv", "rnn")),
    *(_precision("cuda", operation) for operation in ("all", "matmul")),
    Switch("torch.use_deterministic_algorithms (and warn_only)", _deterministic, (True, False), _put_deterministic),
    _attribute("torch.utils.deterministic.fill_uninitialized_memory", deterministic, False),
    Switch("torch.set_num_threads", torch.get_num_threads, 1, torch.set_num_threads),
    Switch("torch.set_num_interop_threads", torch.get_num_interop_threads, 1, torch.set_num_interop_threads),
    Switch("torch.set_flush_denormal", _flushes_denormals, False, torch.set_flush_denormal),
    Switch(
        "torch.backends.mha.set_fastpath_enabled", torch.backends.mha.get_fastpath_enabled, True,
        torch.backends.mha.set_fastpath_enabled,
    ),
    Switch("torch.backends.nnpack.set_flags", _C._get_nnpack_enabled, True, _C._set_nnpack_enabled),
    Switch("torch.backends.opt_einsum (enabled, strategy)", _einsum, _einsum(), _put_einsum),
    _attribute("torch.backends.cudnn.enabled", torch.backends.cudnn, True),
    _attribute("torch.backends.cudnn.benchmark", torch.backends.cudnn, False),
    *(
        _attribute(f"torch.backends.cuda.matmul.{name}", torch.backends.cuda.matmul, value)
        for name, value in {
            "allow_fp16_reduced_precision_reduction": True, "allow_bf16_reduced_precision_reduction": True,
            "allow_fp16_accumulation": False,
        }.items()
    ),
    Switch("enable_flash_sdp", _C._get_flash_sdp_enabled, True, _C._set_sdp_use_flash),
    Switch("enable_mem_efficient_sdp", _C._get_mem_efficient_sdp_enabled, True, _C._set_sdp_use_mem_efficient),
    Switch("enable_math_sdp", _C._get_math_sdp_enabled, True, _C._set_sdp_use_math),
    Switch("enable_cudnn_sdp", _C._get_cudnn_sdp_enabled, True, _C._set_sdp_use_cudnn),
    Switch("torch.inference_mode", torch.is_inference_mode_enabled, False, None),  # it turns gradients off too
    Switch("torch.set_grad_enabled", torch.is_grad_enabled, True, torch.set_grad_enabled),
    *(
        Switch(f"torch.autocast({kind!r})", partial(torch.is_autocast_enabled, kind), False,
               partial(torch.set_autocast_enabled, kind))
        for kind in ("cpu", "cuda")
    ),
    *(
        Switch(f"torch.set_autocast_dtype({kind!r})", partial(torch.get_autocast_dtype, kind), dtype,
               partial(torch.set_autocast_dtype, kind))
        for kind, dtype in {"cpu": torch.bfloat16, "cuda": torch.float16}.items()
    ),
    Switch(
        "the number of torch function modes in force", _C._len_torch_function_stack, 0,
        _empty(_C._len_torch_function_stack, _C._pop_torch_function_stack),
    ),
    Switch(
        "the number of torch dispatch modes in force", _C._len_torch_dispatch_stack, 0,
        _empty(_C._len_torch_dispatch_stack, lambda: _C._pop_torch_dispatch_stack(None)),
    ),
    Switch(
        "the number of saved_tensors_hooks in force", _tensor_hooks, 0,
        _empty(_tensor_hooks, _C._autograd._pop_saved_tensors_default_hooks),
    ),
    Switch("the number of hooks for all modules and optimisers", _hooks, 0, _put_hooks),
    *(
        [Switch("grad layout enforcement", _C._is_grad_layout_enforcement_enabled, True,
                _C._set_grad_layout_enforcement_enabled)]
        if hasattr(_C, "_is_grad_layout_enforcement_enabled") else []  # newer than torch 2.9
    ),
)  # fmt: skip


def state() -> dict[str, Any]:
    """What every switch says now, by name."""
    return {switch.name: switch.get() for switch in SWITCHES}


def put_all() -> None:
    """Set every switch to the suite's value; raises `SuiteError` (2) for one that cannot be set back."""
    put({switch.name: switch.value for switch in SWITCHES})
    for switch in SWITCHES:
        if switch.get() != switch.value:
            raise SuiteError(
                f"{switch.name} is {switch.get()} in the process that trains, and must be {switch.value}.",
                "Look for it in the script that called the suite, and in sitecustomize.py.",
            )


def put(values: Mapping[str, Any]) -> None:
    """Set the switches to these values, where they have others and can be set."""
    for switch in SWITCHES:
        if switch.put and switch.get() != values[switch.name]:
            switch.put(values[switch.name])
