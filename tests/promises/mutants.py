"""Faults to plant in the program, each with the test that must notice it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Mutant:
    """Texts of one file that are replaced, and pytest's words for the test that must go red."""

    name: str
    file: str
    changes: tuple[tuple[str, str], ...]
    words: tuple[str, ...]


def mutant(check: int, fault: str, file: str, old: str, new: str, test: str, *words: str) -> Mutant:
    """A fault that is one replaced text; `test` is a file of this folder, `words` choose in it."""
    return Mutant(f"{check}: {fault}", f"suite/{file}", ((old, new),), (f"tests/promises/{test}.py", *words))


FULL = ("-m", "promise")

MUTANTS: tuple[Mutant, ...] = (
    mutant(4, "a picture is written without steps", "runs/artifacts.py",
           "files.write(into / name, image)", "(into / name).write_bytes(image)",
           "test_crash_points", "-k", "writes_through"),
    mutant(6, "a checkpoint's digest is not looked at", "engine/checkpoint.py",
           'if head != _head(hashlib.file_digest(file, "sha256").hexdigest(), length):', "if False:",
           "test_damage", "-k", "flipped"),
    mutant(7, "data are not compared with their digest", "data/contents.py", "if found != wanted:", "if False:",
           "test_damaged_data", "-k", "left_as"),
    Mutant("4: files are written in place", "suite/disk/files.py",
           (('path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}.tmp")', "path"),
            ('open(temporary, "xb")', 'open(temporary, "wb")')),
           ("tests/promises/test_crash_points.py", "-k", "choosy")),
    mutant(4, "leftovers stay", "disk/journal.py", "            files.remove_leftovers(self.folder)\n", "",
           "test_crash_points", "-k", "plain"),
    mutant(4, "draws go on from the process's own", "engine/epoch.py", 'set_seed(seed, "epoch", epoch)',
           'set_seed(seed, "epoch", epoch) if epoch == 0 else None', "test_crash_points", "-k", "choosy"),
    mutant(4, "the best weights are not kept", "engine/state.py",
           'tensors |= {f"best.{name}": tensor for name, tensor in state.best.items()}', "pass",
           "test_crash_points", "-k", "choosy"),
    mutant(4, "a finished run is trained again", "runs/worker.py",
           "            if result is None:", "            if True:", "test_crash_points", "-k", "plain"),
    mutant(4, "a half-done run begins anew", "engine/fit.py",
           "now = state.restore(run, State(model, build_optimizer(recipe, model)))",
           "now = State(model, build_optimizer(recipe, model))", "test_crash_points", "-k", "plain"),
    mutant(4, "half-drawn pictures stay", "runs/artifacts.py", "            files.remove_leftovers(into)\n", "",
           "test_crash_copies", "-k", "pictures"),
    mutant(4, "a run is sent without being looked for", "tracking/mirror.py", "self._find(run) or ", "",
           "test_crash_copies", "-k", "record and half"),
    mutant(11, "how much space is needed is not said", "disk/files.py",
           "machine_error(error, path, needed=len(contents))", "machine_error(error, path)",
           "test_disk", "-k", "keeps_what"),
    mutant(11, "what did not fit stays", "disk/files.py", "            temporary.unlink()", "            pass",
           "test_disk", "-k", "keeps_what"),
    mutant(12, "a linked run is followed", "disk/journal.py", "if place.is_symlink():", "if False:",
           "test_denied", "-k", "link"),
    mutant(12, "it is not asked whether runs can be kept", "api/session.py", "        self.home.require_writable()",
           "        pass", "test_denied", "-k", "folder_that_may"),
    mutant(1, "draws differ from process to process", "engine/draws.py", 'f"{seed}/{purpose}/{n}"',
           'f"{seed}/{purpose}/{n}/{hash(\'x\')}"', "test_repeat", "-k", "another_command"),
    mutant(2, "a run depends on its process", "engine/draws.py", 'f"{seed}/{purpose}/{n}"',
           'f"{seed}/{purpose}/{n}/{__import__(\'os\').getpid()}"', "test_repeat", "-k", "in_any_order"),
    mutant(3, "a run may have two writers", "disk/journal.py",
           'lock = FileLock(self.folder / "lock", timeout=0)',
           'lock = FileLock(self.folder / f"lock{__import__(\'os\').getpid()}", timeout=0)',
           "test_crowds", "-k", "train_each_run_once"),
    mutant(4, "the optimiser's state is not restored", "engine/state.py",
           '_load_optimizer(state.optimizer, _part(tensors, "optimizer."))', "pass",
           "test_crash_points", *FULL, "-k", "killed_at_any_step and choosy"),
    mutant(5, "SIGTERM is not what ended it", "cli/parser.py", "return TERMINATED", "return 1", "test_signals"),
    mutant(6, "whose a checkpoint is does not matter", "engine/state.py",
           'if (facts.get("identity"), facts.get("seed")) != (run.identity, run.seed):', "if False:",
           "test_damage", *FULL, "-k", "another_runs"),
    mutant(8, "a database is not looked through", "disk/sqlite.py",
           '"PRAGMA integrity_check(1)"', "\"SELECT 'ok'\"",
           "test_databases", "-k", "left_as_it_was and flipped"),
    mutant(8, "a database is made under its own name", "tracking/store.py",
           "made = Path(scratch, path.name)", "made = path",
           "test_databases", "-k", "in_the_making"),
    mutant(9, "true is a number", "recipe/checks.py", "if isinstance(value, bool) or not isinstance(value, int) or",
           "if not isinstance(value, int) or", "test_recipes", *FULL, "-k", "list_has"),
    mutant(10, "a document's digest is not looked at", "disk/documents.py", "whole = document(facts) == found",
           "whole = True", "test_torn", *FULL, "-k", "any_other"),
    mutant(10, "a history may contradict its checkpoint", "disk/journal.py",
           "if not true.startswith(found) and not found.startswith(true):", "if False:",
           "test_torn", *FULL, "-k", "any_other"),
    mutant(13, "a finished run is trained again", "runs/worker.py", "if result is None:", "if result is None or True:",
           "test_crowds", "-k", "train_each_run_once"),
    mutant(14, "a lock is taken for damage", "disk/sqlite.py", "if code in _LOCKED:", "if code in ():",
           "test_locks"),
    mutant(15, "a silent server is waited for", "tracking/server.py", "PATIENCE = 2.0", "PATIENCE = 30.0",
           "test_tracker", "-k", "hold_the"),
    mutant(16, "a run is made anew each time", "tracking/mirror.py", "return found[0].info.run_id if found else None",
           "return None", "test_mirror", "-k", "again_and_again"),
    mutant(16, "a metric has the time of its sending", "tracking/metrics.py", 'at = int(record["clock"]["at"] * 1000)',
           'at = int(__import__("time").time() * 1000)', "test_mirror", "-k", "again_and_again"),
    mutant(17, "a generation that was broken off stays so", "tuning/study.py",
           "first, size = begun or (", "first, size = (", "test_studies", "-k", "at_a_step"),
    mutant(18, "an evaluation may blow up", "engine/train.py", "if not math.isfinite(found.loss):", "if False:",
           "test_divergence", *FULL, "-k", "blow_up"),
    mutant(19, "a document may have any length", "disk/documents.py", "LARGEST = 1 << 21", "LARGEST = 1 << 24",
           "test_hostile", *FULL, "-k", "worker"),
    mutant(20, "any name will do", "recipe/loading.py", "[a-z][a-z0-9_]{0,39}", ".*",
           "test_names", *FULL, "-k", "file_with"),
    mutant(20, "a name may speak to the terminal", "errors.py",
           "letter if letter.isprintable() else", "letter if letter else",
           "test_names", *FULL, "-k", "file_with"),
    mutant(21, "any host will do", "api/reporting.py", "if not allow_remote:", "if allow_remote is None:",
           "test_loopback", "-k", "other_machines_reach"),
    mutant(22, "telemetry is on", "tracking/store.py", '"MLFLOW_DISABLE_TELEMETRY": "true"',
           '"MLFLOW_DISABLE_TELEMETRY": "false"', "test_offline"),
    mutant(23, "the page does not escape", "reporting/page.py",
           "Environment(autoescape=True", "Environment(autoescape=False",
           "test_report_words", "-k", "page_shows"),
    mutant(23, "drafts are written over the old report", "reporting/__init__.py",
           'tempfile.TemporaryDirectory(prefix=".drafts-", suffix=".tmp", dir=reports) as drafts',
           "__import__('contextlib').nullcontext(reports) as drafts", "test_reports", *FULL, "-k", "at_any_moment"),
    Mutant("help: the terminal's library is loaded for it", "suite/cli/verbs/common.py",
           (("from suite.errors import USER, SuiteError\n", "import rich\nfrom suite.errors import USER, SuiteError\n"),),
           ("tests/cli/test_parser.py", "-k", "terminals_library")),
)  # fmt: skip
