"""An experiment tried on a few images in seconds, before it is trained: what is right, and what must be fixed."""
