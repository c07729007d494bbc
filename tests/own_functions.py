"""An experiment with functions of its own, put together from its parts."""

START = '''"""An experiment with functions of its own."""

import torch
from torch import nn
from torch.nn import functional

from suite.recipe import Recipe

recipe = Recipe(data="digits", lr=0.01, batch_size=100, epochs=2, {fields})


def network(width=8):
    return nn.Sequential(nn.Flatten(), nn.Linear(784, width), nn.ReLU(), nn.Dropout(0.2), nn.Linear(width, 10))


'''
LOSS = """
def loss(scores, labels, power=2.0):
    return (1 - scores.softmax(1).gather(1, labels[:, None])).pow(power).mean()
"""
OPTIMIZER = """
class Signs(torch.optim.Optimizer):
    def __init__(self, parameters, lr, beta, decay):
        super().__init__(parameters, {"lr": lr, "beta": beta, "decay": decay, "rounds": 0})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            group["rounds"] += 1
            for weights in group["params"]:
                kept = self.state[weights]
                kept["n"] = kept.get("n", 0) + 1
                kept["mean"] = kept.get("mean", torch.zeros_like(weights, dtype=torch.float64)).lerp(
                    weights.grad.double(), 1 - group["beta"])
                kept["signs"] = kept.get("signs", torch.zeros_like(weights, dtype=torch.int64)) + weights.grad.gt(0)
                scale = group["lr"] / (kept["n"] * group["rounds"]) ** 0.25
                weights.sub_(scale * (kept["mean"].sign().float() + group["decay"] * weights))


def optimizer(parameters, lr, weight_decay, beta=0.9):
    return Signs(parameters, lr, beta, weight_decay)
"""
SCHEDULE = """
def schedule(step, steps, lr, end=0.1):
    return lr * (1 - (1 - end) * min(step / steps, 1))
"""
AUGMENT = """
def augment(images, generator, share=0.1):
    gone = torch.rand(images.shape, generator=generator) < share
    images[gone] = 0
    return images
"""
SCORE = """
def score(scores, labels, k=3):
    return (scores.topk(k, 1).indices == labels[:, None]).any(1).float().mean()
"""
FIELDS = {"loss": LOSS, "optimizer": OPTIMIZER, "schedule": SCHEDULE, "augment": AUGMENT}
READY = {"loss": "cross-entropy", "optimizer": "adam", "schedule": "constant", "augment": ""}


def text(*parts, **fields):
    values = {**READY, **{role: "own" for role, part in FIELDS.items() if part in parts}, **fields}
    return START.format(fields=", ".join(f"{name}={value!r}" for name, value in values.items())) + "\n".join(parts)


ALL = text(LOSS, OPTIMIZER, SCHEDULE, AUGMENT, SCORE)
