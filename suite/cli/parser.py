"""Parses the command line, calls the verb, prints errors (only here), and returns the exit code."""

import argparse
import io
import os
import signal
import sys
from collections.abc import Callable, Sequence
from types import FrameType
from typing import NoReturn

from suite import __version__
from suite.cli import completion, export_options, more_options, options, shared, verbs
from suite.cli.verbs.guiding import guide
from suite.errors import INTERRUPTED, MACHINE, SuiteError, machine_error
from suite.text import nearest

KEPT = "finished work is kept, and the same command continues from there."
AFRESH = {  # verbs that have nothing to continue from
    "check": "check records nothing, so nothing of it is kept. The same command begins it again.",
    "predict": "predict has changed neither the run nor your pictures. The same command begins it again.",
}
PROGRAM = "python -m suite"
TERMINATED = 128 + signal.SIGTERM

DESCRIPTION = """Small image-classification experiments: reproducible to the bit, tracked in MLflow, honestly reported.

  python -m suite list                        what there is
  python -m suite show lenet                  layers, shapes, parameters, protocol, source
  python -m suite new my_net                  a file of your own to begin with
  python -m suite check my_net                tried in seconds: what must be fixed, how long will it take?
  python -m suite run all                     every experiment as published, three seeds each; skips what is done
  python -m suite run lenet cnn --seeds 5     five seeds of each, for a narrower interval
  python -m suite run mlp --data digits       with another data set, small and without download
  python -m suite tune lenet                  the best learning rate and batch size, and is it better?
  python -m suite compare lenet lenet_tuned   which is better, how certain is that, and what does it cost?
  python -m suite plan lenet mlp --effect 1pt how many seeds would show that, and how long would they train?
  python -m suite gate mlp                    as accurate as the committed reference? for CI
  python -m suite bench --check               as fast as the committed baseline? without --check: how fast?
  python -m suite verify lenet-s0             train a finished run again: the same numbers, to the bit?
  python -m suite predict cnn-s0 page.png     your own picture: which class, how probable, and what was corrected
  python -m suite gallery cnn-s0              filters, activations, surest mistakes, features, graph, as pictures
  python -m suite export lenet-s0 --to out/   take the network away: weights, graph or ONNX, checked without the suite
  python -m suite publish lenet-s0            into MLflow's registry, for plain mlflow to load and serve
  python -m suite report                      reports/: tables, pictures, one page
  python -m suite ui                          MLflow's UI on the runs, on this machine only
  python -m suite data                        the data sets: shape, classes, licence, and whether they are here
  python -m suite doctor                      what this machine has, and what would stop a run
  python -m suite completion bash             the script by which bash completes all of this
"""

ENVIRONMENT = """environment:
  SUITE_HOME           where mlruns/ and reports/ are kept
  SUITE_DATA           a folder with the data's files, like --data-dir
  SUITE_EXPERIMENTS    folders of experiments of your own, like --experiments
  SUITE_DEVICE         cuda or cuda:1, to train on a GPU (docs/gpu.md)
  SUITE_COMPILE        a mode of torch.compile, to train through it; other bits
  SUITE_KERNELS        torch, to train by torch instead of the suite's own kernels; other bits (docs/kernels.md)
  SUITE_GALLERY        no, to leave the networks' inside out of the report (docs/gallery.md)
  SUITE_STUDY_STORAGE  another database of studies than mlruns/studies/studies.db
  SUITE_HISTORY        another file of verdicts than mlruns/history.jsonl (docs/history.md)
  MLFLOW_TRACKING_URI  another MLflow store than mlruns/mlflow.db

exit codes: 0 done, 1 a run failed or diverged, 2 fix your input, 3 a machine or server problem, 4 inconclusive (gate,
bench, try), 130 interrupted
"""


class _Terminated(KeyboardInterrupt):
    """SIGTERM: ends the command like Ctrl-C, but with another exit code."""


class _Parser(argparse.ArgumentParser):
    """Turns a wrong option or verb into one line; for a verb it names the most similar ones."""

    def error(self, message: str) -> NoReturn:
        choice = next((action for action in self._actions if isinstance(action, argparse._SubParsersAction)), None)
        words = [word for word in sys.argv[1:] if not word.startswith("-")]
        if choice and words and words[0] not in choice.choices:
            known = ", ".join(choice.choices)
            raise SuiteError(
                f"there is no verb {words[0]!r:.80}{nearest(words[0], choice.choices)}", f"Verbs: {known}."
            )
        raise SuiteError(f"{message}.", f"See {self.prog} --help.")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a notebook's is none
            stream.reconfigure(errors="backslashreplace")  # under LC_ALL=C a dash must not end the command
    signal.signal(signal.SIGTERM, _end)
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # a background job ignores it
        signal.signal(signal.SIGINT, _end)
    kept = KEPT
    try:
        arguments = parser_of().parse_args(argv)
        verb: Callable[[argparse.Namespace], int] = arguments.verb
        kept = AFRESH.get(verb.__name__, KEPT)
        return verb(arguments)
    except SuiteError as error:
        _complain(str(error))
        return error.code
    except _Terminated:
        _complain(f"terminated; {kept}")
        return TERMINATED
    except KeyboardInterrupt:
        _complain(f"interrupted; {kept}")
        return INTERRUPTED
    except BrokenPipeError:  # the reader has closed the pipe, as in `suite list | head -1`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:  # a full disk or a deleted folder can cause an error anywhere
        refused = machine_error(error, error.filename or "this machine")
        _complain(str(refused))
        return refused.code
    except MemoryError:
        _complain("the machine has no memory left. Free some and run the same command again.")
        return MACHINE


def _complain(line: str) -> None:
    print(f"suite: {line}", file=sys.stderr)


def _end(number: int, _frame: FrameType | None) -> NoReturn:
    """End the command cleanly; a second Ctrl-C does not disturb this."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise KeyboardInterrupt if number == signal.SIGINT else _Terminated


VERBS = (
    (verbs.list_experiments, options.of_list),
    (verbs.show, options.of_show),
    (verbs.new, options.of_new),
    (verbs.check, options.of_check),
    (verbs.run, options.of_run),
    (verbs.tune, options.of_tune),
    (verbs.compare, options.of_compare),
    (verbs.plan, options.of_plan),
    (verbs.try_, more_options.of_try),
    (verbs.tries, more_options.of_tries),
    (verbs.gate, options.of_gate),
    (verbs.bench, options.of_bench),
    (verbs.history, more_options.of_history),
    (verbs.verify, options.of_verify),
    (verbs.predict, options.of_predict),
    (verbs.gallery, options.of_gallery),
    (verbs.export, export_options.of_export),
    (verbs.publish, export_options.of_publish),
    (verbs.report, options.of_report),
    (verbs.sync, options.of_sync),
    (verbs.ui, options.of_ui),
    (verbs.data, options.of_data),
    (verbs.doctor, options.of_doctor),
    (verbs.completion, completion.options),
)


def parser_of(program: str = PROGRAM) -> argparse.ArgumentParser:
    """The parser of the whole command line, which begins with the words `program`."""
    parser = _Parser(
        prog=program,
        description=DESCRIPTION,
        epilog=ENVIRONMENT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"suite {__version__}")
    alone = sys.stdout.isatty()  # a person asks; in a script a missing verb is a mistake
    parser.set_defaults(verb=guide, experiments=shared.own_folders())
    add = parser.add_subparsers(title="verbs", metavar="VERB", required=not alone).add_parser
    for verb, words in VERBS:
        help_text, _, example = (verb.__doc__ or "").partition("\n\n")
        name = verb.__name__.partition("_")[0]
        one = add(name, help=help_text, description=help_text, epilog=_dedent(example), formatter_class=_RAW)
        words(one)
        one.set_defaults(verb=verb)
    return parser


_RAW = argparse.RawDescriptionHelpFormatter


def _dedent(text: str) -> str:
    return "\n".join(line.removeprefix("    ") for line in text.rstrip().splitlines())
