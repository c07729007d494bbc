"""A trained network's answers for one's own pictures: measured against the training images, fitted to them, shown."""
