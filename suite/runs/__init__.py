"""Many runs: the plan, the training in one process each, and what is done with the run folders afterwards."""
