"""The command line: words in, words out."""

from suite.cli.parser import main

__all__ = ["main"]
