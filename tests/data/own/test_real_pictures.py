"""A real folder of pictures: npm's emoji, 64 × 64 with transparency, in the categories of their own table."""

import json
import shutil
import subprocess
from collections import Counter

import pytest

from suite.data import ensure, load
from suite.data.catalog import data_set

pytestmark = [
    pytest.mark.packages,
    pytest.mark.skipif(not shutil.which("npm"), reason="there is no npm"),
]
PACKAGE = "emoji-datasource-twitter@16.0.0"


def test_a_folder_of_emoji_by_category(tmp_path, resolved):
    done = subprocess.run(["npm", "pack", "--ignore-scripts", PACKAGE], cwd=tmp_path, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"npm has no {PACKAGE}: {done.stderr[-200:]}")
    subprocess.run(["tar", "xzf", done.stdout.strip().splitlines()[-1]], cwd=tmp_path, check=True)
    table = json.loads((tmp_path / "package" / "emoji.json").read_text())
    kept = [one for one in table if one["category"] != "Component" and one["has_img_twitter"]]
    for one in kept:
        (tmp_path / "emoji" / one["category"]).mkdir(parents=True, exist_ok=True)
        shutil.copy(tmp_path / "package/img/twitter/64" / one["image"], tmp_path / "emoji" / one["category"])
    name, _ = resolved(f"folder:{tmp_path / 'emoji'}?size=32")
    data, found = data_set(name), load(name, ensure(name))
    counts = Counter(one["category"] for one in kept)

    assert data.classes == tuple(sorted(counts))
    assert data.train + data.test == len(kept) > 1_800
    both = found.train_labels.bincount() + found.test_labels.bincount()
    assert both.tolist() == [counts[kind] for kind in data.classes]
    assert found.test_labels.bincount().tolist() == [round(count * 0.2) for count in both.tolist()]
