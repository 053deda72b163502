"""Who may import whom. A room is a folder or module of the package."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "src" / "layer_pruning"

# what any room may use: no room of its own, and nothing in them imports a room
COMMON = {
    "access",
    "atomic",
    "checksums",
    "installation",
    "intervals",
    "machine",
    "named_function",
    "printable",
    "record_files",
    "steps",
}
# what the report reads of other rooms: their records, and nothing else
RECORDS = {
    "attacks.result",
    "attacks.shift_result",
    "consensus.agreement",
    "consensus.ranking",
    "energy.ledger",
    "energy.record",
    "evaluation.records",
    "scoring.savings",
    "scoring.starts",
    "training.history",
}
MAY_IMPORT = {
    "data": set(),
    "attacks": {"shards"},
    "models": set(),
    "activations": {"models", "shards"},
    "surgery": {"models"},
    "similarity": set(),
    "scoring": {"similarity", "models"},
    "consensus": set(),
    "searching": {"activations", "consensus", "evaluation", "models", "scoring"},
    "energy": set(),
    "training": {"data", "devices", "models", "energy", "processes"},
    "evaluation": {"data", "models", "shards"},
    "export": {"configuration", "models"},
    "report": {"attacks", "consensus", "energy", "evaluation", "scoring", "training"},
    # catalogues only, see below
    "configuration": {
        "attacks",
        "consensus",
        "data",
        "energy",
        "models",
        "scoring",
        "searching",
        "similarity",
        "tracking",
        "training",
    },
    "chain": {"attacks", "configuration", "scoring", "searching", "targets"},
    "devices": {"gpus"},
    "estimate": {
        *("activations", "attacks", "chain", "configuration", "data", "devices", "export", "gpus"),
        *("models", "requirements", "scoring", "searching", "similarity", "targets", "terminal"),
        "training",
    },
    "gpus": {"processes"},
    "job": {"processes"},
    "job_settings": {"devices", "models"},
    "manual": {"configuration", "training"},
    "planning": set(),
    "processes": set(),
    "requirements": {"configuration", "models", "searching", "shards", "training"},
    "preview": {"chain", "configuration", "models", "searching"},
    "launch": set(),
    "first_configuration": {"configuration", "data", "models", "terminal"},
    "cli": {
        "first_configuration",
        "launch",
        "configuration",
        "data",
        "devices",
        "evaluation",
        "export",
        "models",
        "planning",
        "preview",
        "terminal",
        "estimate",
    },
    # the public names, imported when one is used
    "__init__": {"iteration", "library"},
    "iteration": {"evaluation", "library", "models", "planning", "scoring", "surgery"},
    "library": {
        *("activations", "consensus", "evaluation", "export", "models", "scoring", "searching"),
        "surgery",
    },
    "access": set(),
    "atomic": set(),
    "checksums": set(),
    "installation": set(),
    "intervals": set(),
    "machine": set(),
    "named_function": set(),
    "printable": set(),
    "record_files": set(),
    "script": {"job"},
    "shards": set(),
    "steps": set(),
    "terminal": set(),
    "tracking": {"evaluation", "training"},
    "targets": {"configuration", "data", "evaluation", "models", "planning", "searching"},
}
LIBRARIES = {
    "similarity": {"numpy", "scipy"},
    "consensus": {"numpy", "scipy", "pandas"},
    "report": {"jinja2", "markupsafe", "matplotlib", "numpy", "pandas", "scipy"},
    "scoring": {"numpy"},
    "script": set(),
    "__init__": set(),
    "named_function": set(),
    "configuration": {"annotated_types", "pydantic", "pydantic_core", "yaml"},
    "manual": {"yaml"},
}
# what a configuration is checked against: data, no computations
CATALOGUES = (
    "catalog",
    "installation",
    "named_function",
    "models.architectures",
    "models.candidates",
    "models.hub_files",
    "models.network_blocks",
    "models.specifications",
    "models.starts",
)
NO_TORCH = [
    "data.catalog",
    "data.image_file",
    "data.image_folder",
    "data.prepare",
    "models.architectures",
    "models.blocks",
    "models.candidates",
    "models.hub_files",
    "models.network_blocks",
    "models.specifications",
    "models.starts",
    "models.network_file",
    "similarity.catalog",
    "scoring.own",
    "scoring.scores",
    "searching.catalog",
    "searching.cost",
    "searching.sets",
    "consensus.ranking",
    "consensus.agreement",
    "activations.features",
    "surgery",
    "configuration",
    "training",
    "training.catalog",
    "training.recipe",
    "attacks",
    "attacks.result",
    "data.shifted",
    "data.shift_files",
    "evaluation",
    "report",
    "report.figures.shortcut",
    "report.figures.style",
    "report.table_pages",
    "report.overview",
    "report.summary",
    "report.figures.corruptions",
    "first_configuration",
    "job",
    "launch",
    "devices",
    "gpus",
    "machine",
    "cli",
    "estimate.forecast",
    "estimate.makespan",
    "estimate.stages",
    "planning",
    "preview",
    "processes",
    "requirements",
    "shards",
    "steps",
    "targets",
]


def imports(path):
    """Absolute names of all modules that a file imports, at any depth."""
    package = ["layer_pruning", *path.relative_to(PACKAGE).parent.parts]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            yield ".".join([*base, *([node.module] if node.module else [])])


def room(module):
    return module.split(".")[1] if module.count(".") else ""


SCRIPTS = sorted((PACKAGE.parents[1] / "workflow" / "scripts").glob("*.py"))
FILES = sorted(PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_room_imports_only_what_it_may(path):
    inside = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    for module in imports(path):
        assert not module.startswith("snakemake")
        if module.startswith("layer_pruning."):
            assert room(module) in MAY_IMPORT[inside] | COMMON | {inside}, module
            if inside == "report" and room(module) not in COMMON | {inside}:
                assert module.removeprefix("layer_pruning.") in RECORDS, module
            if inside == "configuration" and room(module) != inside:
                assert module.endswith(CATALOGUES), module
        elif inside in LIBRARIES:
            top = module.split(".")[0]
            assert top in LIBRARIES[inside] or top in sys.stdlib_module_names, module


def test_every_room_is_in_the_table():
    rooms = {path.relative_to(PACKAGE).parts[0].removesuffix(".py") for path in FILES}
    assert rooms == set(MAY_IMPORT)


def test_importing_the_package_imports_nothing_but_python_s_own_modules():
    """Its public names import torch and the rest when they are used, and not before."""
    code = (
        "import sys; before = set(sys.modules); import layer_pruning; dir(layer_pruning);"
        "new = {name.split('.')[0] for name in set(sys.modules) - before};"
        "sys.exit(', '.join(new - {'layer_pruning'} - set(sys.stdlib_module_names)) or None)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("module", NO_TORCH)
def test_what_has_to_start_quickly_imports_no_torch(module):
    code = f"import sys, layer_pruning.{module}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_a_script_only_wires(path):
    """What computes belongs in the package, where it is tested."""
    lines = path.read_text().splitlines()
    assert len(lines) <= 25
    assert not [line for line in lines if line.startswith(("def ", "class ", "@"))]


def test_no_module_imports_one_that_imports_it():
    """Imports inside functions and those for types alone count too."""
    # but for the package itself, which hands on the library's names when one is used
    modules = {_module(path): path for path in FILES if path != PACKAGE / "__init__.py"}
    uses = {}
    for name, path in modules.items():
        uses[name] = {_longest(found, modules) for found in set(imports(path))} - {None, name}

    done = set()

    def circle(name, way):
        if name in way:
            return [*way[way.index(name) :], name]
        for used in () if name in done else sorted(uses[name]):
            if found := circle(used, [*way, name]):
                return found
        done.add(name)
        return None

    assert not [found for name in sorted(uses) if (found := circle(name, []))]


def _module(path):
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _longest(name, modules):
    """The module of the package that an import names: itself, or that which holds the name."""
    while name not in modules and "." in name:
        name = name.rpartition(".")[0]
    return name if name in modules else None
