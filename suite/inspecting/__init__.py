"""The inside of a trained network in numbers: weights, activations, mistakes, features, graph."""
