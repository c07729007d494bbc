"""The bench: how fast training and inference are, beside references measured in turn, and whether that was lost."""
