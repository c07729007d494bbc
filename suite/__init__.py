"""Small image-classification experiments: exact, tracked, and honestly reported."""

__version__ = "0.1.0"
