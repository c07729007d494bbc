"""The facts about a run's data in MLflow: the same bytes as in older records, and valid JSON for every title."""

import json
from dataclasses import replace

import pytest

from suite.data.catalog import CATALOG
from suite.tracking.facts import datasets

pytestmark = pytest.mark.mlflow


@pytest.mark.parametrize("name", ["mnist", "fashion-mnist", "digits"])
def test_a_data_set_is_described_in_the_bytes_of_the_records_so_far(name):
    described = [given.dataset for given in datasets({"data": name})]

    data = CATALOG[name]
    assert [one.source for one in described] == ['{"tags": {"title": "' + data.title + '"}}'] * 2
    assert [one.profile for one in described] == [f'{{"num_rows": {rows}}}' for rows in (data.train, data.test)]


def test_of_a_later_set_the_record_has_shape_and_classes_too():
    profiles = [json.loads(given.dataset.profile) for given in datasets({"data": "cifar-100"})]

    assert [one["num_rows"] for one in profiles] == [50_000, 10_000]
    assert [one["shape"] for one in profiles] == [[3, 32, 32]] * 2
    assert [one["classes"] for one in profiles] == [list(CATALOG["cifar-100"].classes)] * 2


@pytest.mark.parametrize("title", ['The "digits"', "back\\slash", "two\nlines", "it's", "8 × 8", "{braces}"])
def test_any_title_can_be_read_back(monkeypatch, title):
    monkeypatch.setitem(CATALOG, "digits", replace(CATALOG["digits"], title=title))

    training, testing = (given.dataset for given in datasets({"data": "digits"}))

    assert json.loads(training.source) == json.loads(testing.source) == {"tags": {"title": title}}
