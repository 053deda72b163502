"""Records of evaluation: JSON with numbers as numbers and units in key names."""

import json
import os
from collections.abc import Mapping
from typing import Any

from layer_pruning.atomic import written_whole


def write_record(
    path: str | os.PathLike[str], record: Mapping[str, Any], indent: int | None = 2
) -> None:
    """Write a record, whole. Raises ValueError for a number that JSON cannot hold.

    ``indent`` None writes one line, for records with an entry an image.
    """
    text = json.dumps(record, indent=indent, allow_nan=False)
    with written_whole(path) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")
