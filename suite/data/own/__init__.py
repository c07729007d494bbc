"""One's own data: a folder of pictures, a file of arrays, or a Python file that returns arrays."""
