"""The data sets: by name, with checked images and labels."""

from suite.data.arrays import load, load_training, test_images
from suite.data.cache import cached, ensure
from suite.data.catalog import CATALOG, data_set
from suite.data.dataset import DataSet
from suite.data.idx import Data

__all__ = ["CATALOG", "Data", "DataSet", "cached", "data_set", "ensure", "load", "load_training", "test_images"]
