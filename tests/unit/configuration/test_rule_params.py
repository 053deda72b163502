"""Of the numbers among the params of a rule, at most one goes without its name.

Snakemake compares values without their names (``named_settings``), so that two numbers that trade
places would redo nothing.
"""

import re

import pytest

from layer_pruning.configuration.keys import Configuration
from shared_files import ROOT

BLOCK = re.compile(
    r"^(?:rule|use rule|[A-Z_]+ = )[^\n]*\n(?:(?:[ \t)}\]][^\n]*)?\n)*", re.MULTILINE
)
READ = re.compile(r'\bconfig\["(\w+)"\](?:\["(\w+)"\])?')
NAMED = re.compile(r"named\(\s*config,(.*?)\n?\s*\)[,\n]", re.DOTALL)
COUNTED = {'of_criterion("beam")': "beam", "corrupted_images(config)": "images"}


def numbers(text):
    """The settings in a text of rules that are numbers, and go into params as they are."""
    defaults = Configuration().model_dump()
    found = {name for written, name in COUNTED.items() if written in text}
    for section, key in READ.findall(text):
        value = defaults[section][key] if key else defaults[section]
        if isinstance(value, int | float) and not isinstance(value, bool):
            found.add(f"{section}.{key}" if key else section)
    return found


def names(text):
    """The settings that a text of rules names."""
    found = set()
    together = re.compile(r'f"(\w+)\.\{key\}" for key in \(([^)]*)\)')
    for inside in NAMED.findall(text):
        for section, keys in together.findall(inside):
            found |= {f"{section}.{key}" for key in re.findall(r"\w+", keys)}
        found |= set(re.findall(r'"([\w.]+)"', together.sub("", inside)))
    return found


def rules():
    """Params of each rule as they are written, with those that it shares put in."""
    texts = "".join(path.read_text() for path in sorted((ROOT / "rules").glob("*.smk")))
    blocks = BLOCK.findall(texts)
    shared = {b.split()[0]: b for b in blocks if not b.startswith(("rule", "use rule"))}
    for block in blocks:
        head, _, params = block.partition("    params:\n")
        if params and block.startswith(("rule", "use rule")):
            params = params.partition("    message:")[0]
            used = [
                shared[name] for name in re.findall(r"\*\*?([A-Z_]+)\b", params) if name in shared
            ]
            yield head.split(":")[0], "\n".join([params, *used])


RULES = dict(rules())


def test_rules_and_their_numbers_are_found():
    assert len(RULES) > 25
    metered = {"savings.batch_size", "energy.repeats", "energy.window_seconds"}
    assert numbers(RULES["rule measure_block_energy"]) == metered
    assert names(RULES["rule attack"]) == {
        f"attacked_images.{key}" for key in ("count", "batch_size", "seed")
    }
    assert numbers(RULES["rule search_beam"]) == {"beam", "min_blocks_per_stage"}


@pytest.mark.parametrize("rule", [name for name in RULES if name != "rule prepare_data"])
def test_numbers_of_a_rule_cannot_trade_places(rule):
    # images are prepared by params that have their own test (test_named_settings)
    assert len(numbers(RULES[rule]) - names(RULES[rule])) <= 1
