"""Whether recipes trained by the kernels are as good as by torch: `python -m tests.kernels.ways lenet cnn --seeds 20`.

Each experiment is trained on its real data with the same seeds by both ways, each in a home of its own, by the command
that users have. The answers for the test images are compared by `suite compare` with a margin. Given again with the
same `--to` it goes on where it was.
"""

import argparse
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np

from suite.runs.artifacts import stored_predictions

WAYS = {"kernels": "auto", "torch": "torch"}  # and what SUITE_KERNELS says of it
EXPERIMENTS = ["lenet", "lenet_avgpool", "lenet_gaussian", "train_mnist_fast", "speedrun", "cnn", "mlp", "linear",
               "cifar_net", "resnet8"]  # fmt: skip


def main() -> None:
    """Train, compare and print a row for each experiment."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("experiments", nargs="*", default=EXPERIMENTS)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--margin", default="0.5pt")
    parser.add_argument("--workers", default="1")
    parser.add_argument("--to", type=Path, required=True, help="a folder for the homes, which need not exist")
    asked = parser.parse_args()
    print("| experiment | kernels | torch | kernels less torch, points | 95 % interval | verdict |")
    print("|---|---|---|---|---|---|")
    for name in asked.experiments:
        answers = [trained(name, way, asked) for way in WAYS]
        said = json.loads(suite("compare", *answers, "--margin", asked.margin, "--json", home=asked.to))
        [found] = said["comparisons"]
        difference, (ours, torchs) = found["difference"], found["accuracies"]
        low, high = (100 * difference["interval"][end] for end in ("low", "high"))
        row = [f"`{name}`", f"{ours:.4f}", f"{torchs:.4f}", f"{100 * difference['mean']:+.3f}",
               f"{low:+.3f} to {high:+.3f}", found["verdict"]]  # fmt: skip
        print("|", " | ".join(row), "|", flush=True)


def trained(name: str, way: str, asked: argparse.Namespace) -> str:
    """Train all seeds by this way; returns the path of a file with the answers of all of them."""
    home = asked.to / f"{way}-{asked.epochs}"
    home.mkdir(parents=True, exist_ok=True)
    suite("run", name, "--epochs", str(asked.epochs), "--seeds", str(asked.seeds), "--workers", asked.workers,
          "--no-report", home=home, SUITE_KERNELS=WAYS[way])  # fmt: skip
    folders = [next((home / "mlruns" / "runs" / name).glob(f"*-s{seed}")) for seed in range(asked.seeds)]
    ways = [json.loads((folder / "recipe.json").read_text())["environment"]["way"] for folder in folders]
    assert {re.split("[ :]", words)[0] for words in ways} == {way}, ways  # "torch instead: why"
    answers = [stored_predictions(folder) for folder in folders]
    images = len(answers[0][0])
    columns = {
        "item": np.tile(np.arange(images), len(answers)),
        "label": np.concatenate([label for _, _, label in answers]),
        "prediction": np.concatenate([predicted for predicted, _, _ in answers]),
        "seed": np.repeat(np.arange(len(answers)), images),
    }
    path = home / f"{name} by {way}.npz"
    np.savez(path, **columns)  # type: ignore[arg-type]
    return str(path.resolve())


def suite(*words: str, home: Path, **variables: str) -> str:
    """Give a command; returns what it says on stdout."""
    there = {**os.environ, "SUITE_HOME": str(home.resolve()), **variables}
    answer = subprocess.run([sys.executable, "-m", "suite", *words], env=there, stdout=subprocess.PIPE, text=True)
    if answer.returncode not in (0, 4):
        raise SystemExit(answer.returncode)
    return answer.stdout


if __name__ == "__main__":
    main()
