"""Homes of up to 10,000 runs, and what a command costs in them: `python -m tests.scale --runs 100 1000 10000`."""
