"""The documents of `--json`, held against their schemas."""

import functools
import json
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

FOLDER = Path(__file__).parent.parent / "docs" / "schemas"


def valid(text: str) -> Any:
    """The one document in `text`; fails if it is not as docs/schemas says, or has NaN, which is no JSON."""
    document = json.loads(text, parse_constant=_refuse)
    _validator(document["schema"]).validate(document)
    return document


@functools.cache
def _validator(schema: str) -> Draft202012Validator:
    return Draft202012Validator(json.loads((FOLDER / f"{schema.split('/')[1]}.json").read_text(encoding="utf-8")))


def _refuse(constant: str) -> None:
    raise AssertionError(f"{constant} is no JSON")
