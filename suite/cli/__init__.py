"""The command line: parses options, calls the API, prints the results."""

from suite.cli.parser import main

__all__ = ["main"]
