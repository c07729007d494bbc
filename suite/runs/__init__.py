"""Many runs: what is planned, how each is trained in its own process, and what is made of its folder."""
