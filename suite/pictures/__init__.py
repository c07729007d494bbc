"""The pictures of runs, comparisons, studies and the bench."""
