"""`python -m suite` and the script `suite`."""

import sys


def main() -> int:
    """The whole program; Ctrl-C while it is still being loaded is one line too."""
    try:
        from suite.cli import main as run
    except KeyboardInterrupt:
        print("suite: interrupted before anything began.", file=sys.stderr)
        return 130
    return run()


if __name__ == "__main__":
    sys.exit(main())
