"""Numbers to pictures: what is drawn of runs, comparisons, studies and the bench."""
