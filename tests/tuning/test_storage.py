"""The storage of studies: a database that is damaged or belongs to others is refused and not changed."""

import random
import re
import sqlite3
from contextlib import closing
from dataclasses import replace

import pytest

from suite.disk.home import Home
from suite.errors import SuiteError
from suite.recipe.space import read_space
from suite.recipe.trial import Budget
from suite.tuning.search import search
from suite.tuning.storage import VARIABLE, claimed, open_study, storing
from tests.tuning.synthetic import Recorder, plain, rules_of

pytestmark = pytest.mark.studies

SECRET = "hush-hush"


@pytest.fixture(autouse=True)
def _own_storage(monkeypatch):
    """The environment of the user must not decide where studies are stored."""
    monkeypatch.delenv(VARIABLE, raising=False)


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path)


def open_claimed(home, rules):
    with claimed(home, rules.study):
        return open_study(home, rules)


def database(home):
    return home.studies / "studies.db"


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The bytes of a database that holds a study of eight trials."""
    home, rules = Home(tmp_path_factory.mktemp("whole")), rules_of()
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv(VARIABLE, raising=False)
        study = open_claimed(home, rules)
        search(study, rules, 8, Recorder())
    return database(home).read_bytes()


@pytest.fixture
def kept(home, whole):
    """A home with that database."""
    home.studies.mkdir(parents=True)
    database(home).write_bytes(whole)
    return home


# --- kept and found again -----------------------------------------------------------------------------------------


def test_a_study_is_found_again_with_all_its_trials(kept):
    rules = rules_of()

    found = open_claimed(kept, rules).trials()

    assert plain(found) == plain(search(open_claimed(kept, rules), rules, 8, Recorder()))
    assert len(found) == 8


def test_studies_of_several_names_share_a_database(kept):
    other = rules_of(study="other", seeds=1)

    assert open_claimed(kept, other).trials() == []
    assert len(open_claimed(kept, rules_of()).trials()) == 8


def test_a_new_database_is_whole_and_nothing_else_is_left(home):
    open_claimed(home, rules_of())

    assert {path.name for path in home.studies.iterdir()} == {"studies.db", "studies.db.lock", "small.lock"}


def test_what_a_crash_left_of_a_new_database_is_cleared_away(home):
    leftover = home.studies / ".new-abc.tmp"
    leftover.mkdir(parents=True)
    (leftover / "studies.db").write_bytes(b"half")

    open_claimed(home, rules_of())

    assert not leftover.exists()


def test_the_journal_of_a_database_that_is_gone_is_not_played_into_a_new_one(home):
    home.studies.mkdir(parents=True)
    (home.studies / "studies.db-journal").write_bytes(b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7" + bytes(504))

    assert open_claimed(home, rules_of()).trials() == []
    assert not (home.studies / "studies.db-journal").exists()


def test_a_study_that_a_crash_left_without_rules_is_given_them(home):
    import optuna

    rules = rules_of()
    open_claimed(home, rules_of(study="other"))
    optuna.create_study(study_name="small", storage=f"sqlite:///{database(home)}", direction="maximize")

    open_claimed(home, rules)

    with pytest.raises(SuiteError, match="was started with a different value of seeds"):
        open_claimed(home, replace(rules, seeds=4))


# --- damage -------------------------------------------------------------------------------------------------------


def text(_whole, chance):
    return "".join(chance.choices("abcdefgh \n", k=chance.randrange(1, 5_000))).encode()


def cut(whole, chance):
    return whole[: chance.randrange(1, len(whole))]


def flipped_bytes(whole, chance):
    damaged = bytearray(whole)
    for at in chance.sample(range(len(whole)), 200):
        damaged[at] ^= chance.randrange(1, 256)
    return bytes(damaged)


def damaged_header(whole, chance):
    at = chance.randrange(16)
    return whole[:at] + bytes([whole[at] ^ chance.randrange(1, 256)]) + whole[at + 1 :]


def empty(_whole, _chance):
    return b""


@pytest.mark.parametrize("damage", [text, cut, flipped_bytes, damaged_header, empty])
@pytest.mark.parametrize("seed", range(5))
def test_a_damaged_database_is_refused_in_one_line_and_left_as_it_was(kept, whole, damage, seed):
    damaged = damage(whole, random.Random(seed))
    database(kept).write_bytes(damaged)

    with pytest.raises(SuiteError) as refused:
        open_claimed(kept, rules_of())

    assert refused.value.code == 2
    assert str(refused.value).startswith(f"{database(kept)} is damaged: ")
    assert "move it away" in str(refused.value)
    assert "\n" not in str(refused.value)
    assert database(kept).read_bytes() == damaged
    assert not (kept.studies / "studies.db-journal").exists()


@pytest.mark.parametrize("seed", range(30))
def test_a_byte_flipped_within_what_is_stored_is_refused_in_one_line(kept, whole, seed):
    """SQLite does not notice when letters of a stored text have changed."""
    chance = random.Random(f"one byte {seed}")
    texts = [found.start() for found in re.finditer(rb'"lr"|"name"|log2_batch|COMPLETE|PRUNED|\[0, 8\]|"seeds"', whole)]
    damaged, at = bytearray(whole), chance.choice(texts) + chance.randrange(2, 4)
    damaged[at] ^= chance.randrange(1, 256)
    database(kept).write_bytes(damaged)

    with pytest.raises(SuiteError) as refused:
        open_claimed(kept, rules_of())

    assert refused.value.code in (2, 3)
    assert "\n" not in str(refused.value)
    assert database(kept).read_bytes() == damaged


def test_a_folder_in_the_databases_place_is_refused(home):
    database(home).mkdir(parents=True)

    with pytest.raises(SuiteError) as refused:
        open_claimed(home, rules_of())

    assert refused.value.code in (2, 3)
    assert list(database(home).iterdir()) == []


# --- other rules --------------------------------------------------------------------------------------------------

RULES = rules_of()
OTHERS = {
    "experiment": replace(RULES, experiment=replace(RULES.experiment, name="large")),
    "recipe": replace(RULES, experiment=RULES.experiment.changed({"momentum": 0.5})),
    "recipe ": replace(RULES, experiment=RULES.experiment.changed({"epochs": 7})),
    "network": replace(RULES, experiment=replace(RULES.experiment, network_text="another text")),
    "space": replace(RULES, space=read_space({"lr": "1e-4..1e-2", "batch_size": "32..256"})),
    "space ": replace(RULES, space=read_space({"lr": "1e-4..1e-1", "batch_size": "32,64,128,256"})),
    "published": replace(RULES, experiment=RULES.experiment.changed({"lr": 0.004})),
    "budget": replace(RULES, budget=Budget("steps", 120)),
    "seeds": replace(RULES, seeds=4),
    "generation": replace(RULES, generation=4),
    "sampler": replace(RULES, sampler="tpe"),
    "study_seed": replace(RULES, study_seed=1),
    "objective": replace(RULES, objective="both"),
    "objective ": replace(RULES, objective="accuracy-per-second"),
    "pruning": replace(RULES, pruning=False),
}


@pytest.mark.parametrize("what", OTHERS)
def test_a_study_of_other_rules_is_refused_by_the_first_that_differs_and_left_as_it_was(kept, whole, what):
    with pytest.raises(SuiteError) as refused:
        open_claimed(kept, OTHERS[what])

    name = what.strip().replace("_", " ")
    assert refused.value.code == 2
    assert str(refused.value).startswith(f"study 'small' was started with a different value of {name}")
    assert str(refused.value).endswith("Give the same value again, or another name with --study.")
    assert "\n" not in str(refused.value)
    assert database(kept).read_bytes() == whole


def test_every_rule_that_a_study_is_a_function_of_is_among_these():
    assert {what.strip() for what in OTHERS} == RULES.facts().keys()


def test_a_refusal_says_what_it_was_and_what_it_would_be(kept):
    with pytest.raises(SuiteError, match=r"value of seeds: 3, not 4\."):
        open_claimed(kept, OTHERS["seeds"])


def test_a_space_that_adds_a_field_is_another(kept, whole):
    wider = replace(RULES, space=read_space({"lr": "1e-4..1e-1", "batch_size": "32..256", "momentum": "0..0.9"}))

    with pytest.raises(SuiteError, match="was started with a different value"):
        open_claimed(kept, wider)

    assert database(kept).read_bytes() == whole


# --- one at a time ------------------------------------------------------------------------------------------------


def test_a_study_can_be_claimed_by_one_command_at_a_time(home):
    with claimed(home, "small"):
        with pytest.raises(SuiteError, match="another command works on study 'small'") as refused:
            claimed(home, "small").__enter__()
        with claimed(home, "other"):
            pass

    assert refused.value.code == 2
    with claimed(home, "small"):
        pass


# --- other databases ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        f"nonsense://me:{SECRET}@somewhere/studies",
        "nonsense",
        f"postgresql://somewhere/studies?password={SECRET}",
        f"postgresql+nodriver://me:{SECRET}@somewhere/studies",
        f"postgresql://me:{SECRET}@somewhere:port/studies",
        f"mysql+pymysql://me:{SECRET}@127.0.0.1:9/studies",
        f"://me:{SECRET}@somewhere",
        f"sqlite:////nowhere/at/all/studies.db?password={SECRET}",
        "sqlite:////nowhere/at/all/studies.db",
        "redis://somewhere",
        "5",
    ],
)
def test_a_storage_that_is_none_is_one_line_without_its_password(home, monkeypatch, url):
    monkeypatch.setenv(VARIABLE, url)

    with pytest.raises(SuiteError) as refused:
        open_claimed(home, rules_of())

    assert refused.value.code in (2, 3)
    assert VARIABLE in str(refused.value)
    assert SECRET not in str(refused.value)
    assert "\n" not in str(refused.value)
    assert not database(home).exists()


def test_a_storage_that_is_named_is_used_and_ours_is_not_made(home, tmp_path, monkeypatch):
    monkeypatch.setenv(VARIABLE, f"sqlite:///{tmp_path / 'theirs.db'}")
    rules = rules_of()

    search(open_claimed(home, rules), rules, 4, Recorder())

    assert len(open_claimed(home, rules).trials()) == 4
    assert (tmp_path / "theirs.db").exists()
    assert not database(home).exists()


def test_what_a_database_says_in_the_middle_of_the_work_is_one_line(kept):
    rules = rules_of()
    study = open_claimed(kept, rules)

    with closing(sqlite3.connect(database(kept))) as other:
        other.execute("DROP TABLE trials")

    with pytest.raises(SuiteError) as refused, storing():
        search(study, rules, 16, Recorder())

    assert refused.value.code == 3
    assert str(refused.value).startswith("studies' storage mlruns/studies/studies.db: ")
    assert "\n" not in str(refused.value)
