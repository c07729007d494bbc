"""What all kernels are written with: functions in which a division by 0 gives infinity, and kinds of numbers."""

import numpy as np
from numba import njit

jit = njit(error_model="numpy")
f32, f64 = np.float32, np.float64
