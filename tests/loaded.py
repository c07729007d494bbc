"""Imported by the fork server of a test's own process: its children find everything loaded, as commands do."""

from tests.zygote import load

load()
