"""Many jobs at once, in processes. This room does not know what a job does."""
