"""A trained network to take away: a folder that other programs load, checked by a program that does not know us."""

FORMATS = ("safetensors", "pt2", "onnx")
