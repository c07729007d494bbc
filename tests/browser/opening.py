"""The size of report pages, and how long Chromium takes to open them: `python -m tests.browser.opening PAGE ...`."""

import argparse
import json
import shutil
import statistics
import sys
import tempfile
from pathlib import Path

from tests.browser.devtools import Tab

LOADED = "performance.getEntriesByType('navigation')[0].loadEventEnd"
CHOSEN = """
(() => {
  const box = document.querySelector('[name=show]'), start = performance.now();
  box.click();
  document.body.offsetHeight;
  return performance.now() - start;
})()
"""


def main() -> None:
    """Print a line for each page: bytes, elements, milliseconds to the end of loading and of hiding an experiment."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pages", type=Path, nargs="+", help="files report.html")
    parser.add_argument("--times", type=int, default=5, help="how often each page is opened")
    asked = parser.parse_args()
    command = shutil.which("chromium") or sys.exit("chromium is not installed")
    with tempfile.TemporaryDirectory() as profile:
        tab = Tab(command, Path(profile))
        for page in asked.pages:
            found = []
            for _ in range(asked.times + 1):
                tab.open(page.resolve().as_uri(), width=1400)
                found.append((tab.ask(LOADED), tab.ask(CHOSEN)))
            opened, chosen = zip(*found[1:], strict=True)  # the first time, the file is not in memory
            print(json.dumps({
                "page": str(page), "bytes": page.stat().st_size, "elements": tab.ask("document.all.length"),
                "ms to open": round(statistics.median(opened)), "range": [round(min(opened)), round(max(opened))],
                "ms to hide one": round(statistics.median(chosen)), "n": asked.times,
            }))  # fmt: skip
        tab.close()


if __name__ == "__main__":
    main()
