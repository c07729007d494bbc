"""Lines of code that change a global switch, each with the name of the switch that the refusal must show."""

MODES = """
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
class Function(TorchFunctionMode):
    def __torch_function__(self, function, types, arguments=(), keywords=None):
        found = function(*arguments, **(keywords or {}))
        return found * 1.001 if function is torch.nn.functional.linear else found
class Dispatch(TorchDispatchMode):
    def __torch_dispatch__(self, function, types, arguments=(), keywords=None):
        found = function(*arguments, **(keywords or {}))
        return found * 1.001 if function is torch.ops.aten.relu.default else found
"""
SETTERS = "torch.nn.modules.module.register_module"

# When the suite did not stop these, they changed the weights or predictions of a small network or broke its training.
MOVING = {
    "mkldnn": ("torch.backends.mkldnn.enabled = False", "mkldnn.enabled"),
    "mkldnn_flags": ("torch.backends.mkldnn.set_flags(False)", "mkldnn.enabled"),
    "mkldnn_matmul": ("torch.backends.mkldnn.matmul.fp32_precision = 'bf16'", "mkldnn.matmul"),
    "precision": ("torch.backends.fp32_precision = 'bf16'", "fp32_precision"),
    "matmul_precision": ("torch.set_float32_matmul_precision('medium')", "set_float32_matmul_precision"),
    "dtype": ("torch.set_default_dtype(torch.float64)", "set_default_dtype"),
    "half": ("torch.set_default_dtype(torch.bfloat16)", "set_default_dtype"),
    "device": ("torch.set_default_device('meta')", "set_default_device"),
    "device_cpu": ("torch.set_default_device('cpu')", "set_default_device"),
    "with_device": ("torch.kept = torch.device('meta'); torch.kept.__enter__()", "torch function modes"),
    "threads": ("torch.set_num_threads(4)", "set_num_threads"),
    "fastpath": ("torch.backends.mha.set_fastpath_enabled(False)", "set_fastpath_enabled"),
    "no_grad": ("torch.set_grad_enabled(False)", "set_grad_enabled"),
    "inference": ("torch.kept = torch.inference_mode(); torch.kept.__enter__()", "inference_mode"),
    "autocast": ("torch.set_autocast_enabled('cpu', True)", "autocast"),
    "with_autocast": ("torch.kept = torch.autocast('cpu', torch.bfloat16); torch.kept.__enter__()", "autocast"),
    "math_sdp": ("torch.backends.cuda.enable_math_sdp(False)", "enable_math_sdp"),
    "function_mode": (MODES + "torch.kept = Function(); torch.kept.__enter__()", "torch function modes"),
    "dispatch_mode": (MODES + "torch.kept = Dispatch(); torch.kept.__enter__()", "torch dispatch modes"),
    "saved_tensors": (
        "torch.kept = torch.autograd.graph.saved_tensors_hooks(lambda one: one.bfloat16().float() if "
        "one.is_floating_point() else one, lambda one: one); torch.kept.__enter__()", "saved_tensors_hooks",
    ),
    "forward_hook": (f"{SETTERS}_forward_hook(lambda module, given, found: found * 1.001)", "hooks for all modules"),
    "forward_pre_hook": (f"{SETTERS}_forward_pre_hook(lambda module, given: (given[0] * 1.001,))", "hooks for all"),
    "backward_hook": (f"{SETTERS}_full_backward_hook(lambda module, given, found: given)", "hooks for all modules"),
    "parameter_hook": (
        f"{SETTERS}_parameter_registration_hook(lambda module, name, one: one)", "hooks for all modules"
    ),
    "isa": ("os.environ['ONEDNN_MAX_CPU_ISA'] = 'AVX2'", "ONEDNN_MAX_CPU_ISA"),
    "old_isa": ("os.environ['DNNL_MAX_CPU_ISA'] = 'AVX2'", "DNNL_MAX_CPU_ISA"),
    "capability": ("os.environ['ATEN_CPU_CAPABILITY'] = 'default'", "ATEN_CPU_CAPABILITY"),
    "mkl_branch": ("os.environ['MKL_CBWR'] = 'COMPATIBLE'", "MKL_CBWR"),
}  # fmt: skip

# These changed nothing for the small network. They select other arithmetic for other networks or other machines.
OTHER = {
    "deterministic": ("torch.use_deterministic_algorithms(False)", "use_deterministic_algorithms"),
    "warn_only": ("torch.use_deterministic_algorithms(True, warn_only=True)", "use_deterministic_algorithms"),
    "fill": ("torch.utils.deterministic.fill_uninitialized_memory = True", "fill_uninitialized_memory"),
    "denormals": ("torch.set_flush_denormal(True)", "set_flush_denormal"),
    "mkldnn_deterministic": ("torch.backends.mkldnn.deterministic = True", "mkldnn.deterministic"),
    "nnpack": ("torch.backends.nnpack.set_flags(False)", "nnpack"),
    "tf32": ("torch.backends.cuda.matmul.allow_tf32 = True", "set_float32_matmul_precision"),
    "no_tf32": ("torch.backends.cudnn.allow_tf32 = False", "cudnn.allow_tf32"),
    "benchmark": ("torch.backends.cudnn.benchmark = True", "cudnn.benchmark"),
    "cudnn": ("torch.backends.cudnn.enabled = False", "cudnn.enabled"),
    "autocast_dtype": ("torch.set_autocast_dtype('cpu', torch.float16)", "set_autocast_dtype"),
    "omp": ("os.environ['OMP_NUM_THREADS'] = '4'", "OMP_NUM_THREADS"),
    "fpmath": ("os.environ['ONEDNN_DEFAULT_FPMATH_MODE'] = 'BF16'", "ONEDNN_DEFAULT_FPMATH_MODE"),
    "ours": ("os.environ['SUITE_DEVICE'] = 'cuda'", "SUITE_DEVICE"),
}  # fmt: skip

LINES = MOVING | OTHER
