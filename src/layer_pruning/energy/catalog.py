"""Countries whose electricity mix CodeCarbon knows, without the seconds of importing it."""

import json
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path


@lru_cache
def countries() -> tuple[str, ...]:
    """ISO codes; empty where CodeCarbon is not installed or keeps its tables elsewhere.

    A country with 0 g a kilowatt-hour is one without data: it is left out.
    """
    spec = find_spec("codecarbon")
    if spec is None or spec.origin is None:
        return ()
    table = Path(spec.origin).parent / "data" / "private_infra" / "global_energy_mix.json"
    if not table.is_file():
        return ()
    mixes = json.loads(table.read_text(encoding="utf-8"))
    return tuple(code for code, mix in mixes.items() if mix.get("carbon_intensity") != 0)
