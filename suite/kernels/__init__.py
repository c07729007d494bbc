"""A network's training step and scores by compiled kernels, with the batch innermost: docs/kernels.md."""
