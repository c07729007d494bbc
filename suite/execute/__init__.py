"""Many runs side by side: it knows processes and nothing of what a run does."""
