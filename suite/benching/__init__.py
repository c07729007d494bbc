"""The bench: the speed of training and inference, compared with reference loops, and a gate against slowdowns."""

LIMIT = 1.05  # ratio of times: a smaller slowdown is no reason to stop a change
