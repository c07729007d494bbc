"""The bench: how fast training and inference are, beside references measured in turn, and whether that was lost."""

LIMIT = 1.05  # times as long: a smaller loss is not worth stopping a change for
