"""Whatever kind of value a network keeps outside its `state_dict`: its change is saved, or refused by its name."""

import array
import collections
import concurrent.futures
import datetime
import decimal
import io
import itertools
import logging
import queue
import random
import threading
import types

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import torch
from PIL import Image
from torch import nn

from suite.engine import checkpoint
from suite.engine.outside import Outside
from suite.engine.train import train
from suite.errors import USER, SuiteError

LOG, LOCK = logging.getLogger(__name__), threading.Lock()
POOL = concurrent.futures.ThreadPoolExecutor(1)
EYE = torch.eye(2)
pytestmark = pytest.mark.filterwarnings("ignore")  # torch calls many of these kinds beta, deprecated or experimental


class Net(nn.Module):
    """Keeps one value."""

    def __init__(self, kept=None):
        super().__init__()
        self.last = nn.Linear(4, 4)
        self.kept = kept


class Kind(torch.Tensor):
    """A subclass without anything of its own."""


class Wrapper(torch.Tensor):
    """A subclass without numbers of its own: they are in another tensor."""

    @staticmethod
    def __new__(cls, inner):
        return torch.Tensor._make_wrapper_subclass(cls, inner.shape, dtype=inner.dtype)

    def __init__(self, inner):
        self._inner = inner

    def __tensor_flatten__(self):
        return ["_inner"], None

    @classmethod
    def __torch_dispatch__(cls, function, types, arguments=(), keywords=None):
        raise NotImplementedError


class Hidden(Wrapper):
    """One that does not say where they are."""

    __tensor_flatten__ = None


def scales(scale):
    return torch.quantize_per_channel(EYE, torch.tensor([0.1, scale]), torch.zeros(2), 0, torch.qint8)


def nested(value):
    return torch.nested.nested_tensor([torch.ones(1, 3), torch.full((2, 3), value)])


def masked(hidden, mask=1):
    return np.ma.MaskedArray([1.0, hidden], mask=[0, mask])


def after(number, value, take=next):
    """A value from which something was taken as often as that."""
    for _ in range(number):
        take(value)
    return value


def steps():
    """A generator whose place is in the iterator of a loop alone."""
    for _ in [0] * 9:
        yield


def tagged(steps):
    tensor = torch.ones(2)
    tensor.steps = steps
    return tensor


# How a value of each kind is made of a number; another number makes another value of the same shape.
KINDS = {
    "sparse_coo": lambda n: (n * EYE).to_sparse(),
    "sparse_csr": lambda n: (n * EYE).to_sparse_csr(),
    "sparse_csc": lambda n: (n * EYE).to_sparse_csc(),
    "sparse_bsr": lambda n: (n * EYE).to_sparse_bsr((1, 1)),
    "sparse_bsc": lambda n: (n * EYE).to_sparse_bsc((1, 1)),
    "sparse_complex": lambda n: (n * 1j * EYE).to_sparse().conj(),
    "quantised": lambda n: torch.quantize_per_tensor(n * EYE, 0.1, 0, torch.qint8),
    "quantised_scale": lambda n: torch.quantize_per_tensor(n * EYE, 0.1 * n, 0, torch.qint8),
    "quantised_channels": lambda n: scales(0.1 * n),
    "nested": lambda n: nested(float(n)),
    "mkldnn": lambda n: torch.full((2,), float(n)).to_mkldnn(),
    "meta": lambda n: torch.empty(n, device="meta"),
    "complex": lambda n: n * 1j * EYE,
    "complex_half": lambda n: torch.view_as_complex(torch.full((2, 2), float(n)).half()),
    "conjugated": lambda n: (n * 1j * EYE).conj(),
    "negated": lambda n: (n * 1j * EYE).conj().imag,
    "bool": lambda n: torch.tensor([n == 1]),
    "bfloat16": lambda n: EYE.bfloat16() * n,
    "float8": lambda n: (EYE * n).to(torch.float8_e4m3fn),
    "float8_scale": lambda n: (EYE * n).to(torch.float8_e8m0fnu),
    "uint16": lambda n: (EYE * n).to(torch.uint16),
    "bits": lambda n: torch.tensor([n], dtype=torch.uint8).view(torch.bits8),
    "one_number_repeated": lambda n: torch.tensor([float(n)]).expand(3),
    "one_number_as_row": lambda n: torch.tensor(float(n)).expand(1),
    "subclass": lambda n: (EYE * n).as_subclass(Kind),
    "wrapper": lambda n: Wrapper(EYE * n),
    "parameter": lambda n: [nn.Parameter(EYE * n)],
    "attribute_of_tensor": tagged,
    "layout": lambda n: torch.ones(2, 3) if n == 1 else torch.ones(3, 2).T,
    "gradient_wanted": lambda n: torch.ones(2, requires_grad=n == 1),
    "storage": lambda n: (EYE * n).untyped_storage(),
    "packed": lambda n: nn.utils.rnn.pack_sequence([torch.full((2,), float(n))]),
    "distribution": lambda n: torch.distributions.Normal(torch.zeros(2), float(n)),
    "generator_of_torch": lambda n: torch.Generator().manual_seed(n),
    "objects": lambda n: np.array([np.arange(3000) == 1500 * n, None], dtype=object),
    "records": lambda n: np.array([(1, n)], dtype="i4,f8"),
    "records_of_objects": lambda n: np.array([(1, np.arange(3000) == 1500 * n)], dtype="i4,O"),
    "record": lambda n: np.array([(np.arange(3000) == 1500 * n,)], dtype=[("a", "?", 3000)])[0],
    "mask": lambda n: masked(5.0, n - 1),
    "behind_a_mask": lambda n: masked(float(n)),
    "array_layout": lambda n: np.ones((2, 3)) if n == 1 else np.ones((3, 2)).T,
    "dates": lambda n: np.array([f"202{n}"], dtype="M8[D]"),
    "texts": lambda n: np.array(["a" * 40 * n], dtype=np.dtypes.StringDType()),
    "long_double": lambda n: np.longdouble(1) + n * np.finfo(np.longdouble).eps,
    "place_in_an_array": lambda n: after(n, np.arange(9).flat),
    "bits_of_numpy": np.random.PCG64,
    "seeds": lambda n: after(n, np.random.SeedSequence(1), lambda one: one.spawn(1)),
    "polynomial": lambda n: np.polynomial.Polynomial([1, n]),
    "scipy_csr": lambda n: scipy.sparse.csr_matrix(np.eye(2) * n),
    "scipy_coo": lambda n: scipy.sparse.coo_array(np.eye(2) * n),
    "scipy_dok": lambda n: scipy.sparse.dok_array(np.eye(2) * n),
    "scipy_lil": lambda n: scipy.sparse.lil_array(np.eye(2) * n),
    "series": lambda n: pd.Series([1, n]),
    "frame": lambda n: pd.DataFrame({"a": [1, n], "b": ["x", "y"]}),
    "column_of_texts": lambda n: pd.Series(["a" * n]),
    "categories": lambda n: pd.Categorical(["ab"[n - 1]], categories=["a", "b"]),
    "index": lambda n: pd.Index([1, n]),
    "timestamp": lambda n: pd.Timestamp(f"202{n}"),
    "picture": lambda n: Image.new("L", (2, 2), n),
    "namespace": lambda n: types.SimpleNamespace(steps=n),
    "view_of_a_dict": lambda n: types.MappingProxyType({"a": n}),
    "order_of_a_dict": lambda n: {"a": 1, "b": 2} if n == 1 else {"b": 2, "a": 1},
    "array": lambda n: array.array("d", [n]),
    "memory": lambda n: memoryview(bytes([n])),
    "chain": lambda n: collections.ChainMap({"a": n}),
    "user_dict": lambda n: collections.UserDict(a=n),
    "counter": lambda n: collections.Counter("a" * n),
    "bytes": lambda n: io.BytesIO(bytes([n])),
    "queue": lambda n: after(n, queue.Queue(), lambda one: one.put(1)),
    "decimal": decimal.Decimal,
    "date": lambda n: datetime.date(2020, 1, n),
    "iterator": lambda n: after(n, iter([1, 2, 3])),
    "counting": itertools.count,
    "place_in_a_text": lambda n: after(n, io.StringIO("a\nb\nc\n")),
    "bound": lambda n: [n].append,
    "python": random.Random,
}  # fmt: skip


def refusal(outside):
    """The reason why the change cannot be saved, None if it is, empty if there is none."""
    try:
        return None if outside.changed() != ("", {}) else ""
    except SuiteError as error:
        return str(error) if error.code == USER else f"exit code {error.code}"


@pytest.mark.parametrize("kind", KINDS)
def test_a_change_is_saved_or_refused_and_an_equal_value_is_no_change(kind):
    model = Net(KINDS[kind](1))
    outside = Outside(model, Net)
    unchanged = refusal(outside)

    model.kept = KINDS[kind](1)
    equal = refusal(outside)
    model.kept = KINDS[kind](2)
    changed = refusal(outside)

    assert (unchanged, equal) == ("", "")
    assert changed is None or changed.startswith("Net.kept"), changed
    if changed is None:
        other = Net(KINDS[kind](1))
        Outside(other, Net).restore(*outside.changed())
        assert refusal_between(other, model) == ""


def refusal_between(one, other):
    """Why what one network keeps is not what the other keeps, empty if it is."""
    outside = Outside(one, Net)
    one.kept = other.kept
    return refusal(outside)


@pytest.mark.slow
def test_a_tensor_that_hides_its_numbers_is_refused():
    assert refusal(Outside(Net(Hidden(EYE)), Net)).startswith("Net.kept may change unseen in training")


def test_a_generator_that_has_begun_cannot_be_compared_and_is_refused():
    begun, new = (Outside(Net(after(number, steps())), Net) for number in (1, 0))

    assert refusal(begun).startswith("Net.kept may change unseen in training")
    assert refusal(new) == ""


def test_a_file_that_is_read_has_a_position_and_a_log_has_none(tmp_path):
    path = tmp_path / "numbers.txt"
    path.write_text("1\n2\n")
    with path.open() as numbers, (tmp_path / "log.txt").open("w") as log:
        reads, writes = Net(numbers), Net(log)
        of_reads, of_writes = Outside(reads, Net), Outside(writes, Net)

        numbers.readline()
        log.write("a step\n")

        assert refusal(of_reads).startswith("Net.kept changes")
        assert refusal(of_writes) == ""


def test_attributes_of_weights_and_other_views_of_them_are_seen():
    model = Net()
    model.kept = model.last.weight.data[0]
    outside = Outside(model, Net)
    assert refusal(outside) == ""

    model.kept = model.last.weight.data[1]
    assert refusal(outside).startswith("Net.kept changes")
    model.kept = model.last.weight.data[0]
    model.last.weight.steps = 1
    assert refusal(outside).startswith("Net.last.weight.steps changes")


@pytest.mark.slow
def test_logs_locks_threads_and_compiled_code_give_no_alarm():
    model = Net([LOG, LOCK, POOL, random.SystemRandom(), torch.compile(nn.Linear(4, 4), backend="eager")])
    outside = Outside(model, Net)

    LOG.debug("a logger changes its own cache")
    with LOCK:
        POOL.submit(int).result()
    model.last(torch.ones(2, 4)).sum().backward()
    model.kept[4](torch.ones(2, 4))

    assert refusal(outside) == ""


@pytest.mark.parametrize("kind", ["sparse_csr", "quantised", "meta", "one_number_repeated", "float8_scale"])
def test_a_buffer_that_a_checkpoint_cannot_hold_is_refused_before_the_training(kind, experiment, run_of, digits):
    class Held(nn.Module):
        def __init__(self):
            super().__init__()
            self.last = nn.Linear(784, 10)
            self.register_buffer("kept", KINDS[kind](1))

        def forward(self, images):
            return self.last(images.flatten(1))

    small = experiment(lambda: Held(), epochs=1)

    refused = pytest.raises(SuiteError, match=r"kept of the network is a tensor .* checkpoint cannot hold")
    with refused, run_of(small).claim():
        train(run_of(small), small, digits, lambda _event: None)


def test_the_digest_of_one_number_does_not_depend_on_its_strides():
    one = torch.tensor([3.0])

    assert checkpoint.digest({"": one.expand(1)}) == checkpoint.digest({"": torch.tensor(3.0).expand(1)})
