"""The numeric classes in which a study's trials are trained: one for each way of computing, that of the first trial."""

from collections.abc import Callable

from suite.disk.classes import Only, class_in
from suite.disk.journal import Run


class Classes:
    """The classes that are `known` of a study, by way; `note` stores them when there is one more."""

    def __init__(self, known: Only, note: Callable[[Only], None]) -> None:
        self.known = dict(known)
        self._note, self._read = note, set[str]()

    def learn(self, run: Run) -> None:
        """Take the class of a run that has begun, unless one is known for its way: then the run had to have that."""
        if run.folder.name in self._read:
            return
        self._read.add(run.folder.name)
        way, here = class_in(run.folder)
        if here and way not in self.known:
            self.known[way] = [here]
            self._note(self.known)
