"""Who may import whom. A room is a folder or module of the package."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "src" / "layer_pruning"

# what any room may use
COMMON = {"installation", "intervals", "runtime"}
# what the report reads of other rooms: their records, their steps and what meets a target
RECORDS = {
    "attacks.result",
    "attacks.shift_result",
    "consensus.agreement",
    "consensus.ranking",
    "energy.ledger",
    "energy.record",
    "evaluation.records",
    "evaluation.reduction",
    "plan.steps",
    "scoring.savings",
    "scoring.starts",
    "training.history",
}
# The house, floor by floor: a room stands on rooms above it in this table, and on no other.
FLOORS = (
    # what every room stands on; no networks
    {"runtime": set(), "intervals": set(), "installation": set(), "terminal": set()},
    # one concept each
    {
        **{"attacks": set(), "consensus": set(), "data": set(), "energy": set()},
        **{"models": set(), "similarity": set()},
    },
    # what is done to a network
    {
        "activations": {"models"},
        "evaluation": {"data", "models"},
        "scoring": {"models", "similarity"},
        "surgery": {"models"},
        "training": {"data", "energy", "models"},
    },
    {
        "searching": {"activations", "consensus", "evaluation", "models", "scoring"},
        "tracking": {"evaluation", "training"},
    },
    # what a user asks for; of other rooms their catalogues alone, see below
    {
        "configuration": {
            *("attacks", "consensus", "data", "energy", "models", "scoring", "searching"),
            *("similarity", "tracking", "training"),
        },
    },
    # which networks follow from that
    {
        "export": {"configuration", "models"},
        "plan": {"configuration", "evaluation", "models", "searching"},
    },
    {"chain": {"attacks", "configuration", "plan", "scoring", "searching"}},
    # what a person meets
    {
        "estimate": {
            *("activations", "attacks", "chain", "configuration", "data", "export", "models"),
            *("plan", "scoring", "searching", "similarity", "terminal", "training"),
        },
        "library": {
            *("activations", "consensus", "evaluation", "export", "models", "plan", "scoring"),
            *("searching", "surgery"),
        },
        "report": {room.partition(".")[0] for room in RECORDS},
    },
    {
        # the public names, imported when one is used
        "__init__": {"library"},
        "cli": {
            *("configuration", "data", "estimate", "evaluation", "export", "models", "plan"),
            *("scoring", "terminal"),
        },
    },
)
MAY_IMPORT = {room: rooms for floor in FLOORS for room, rooms in floor.items()}
# the rooms inside the report, in the order in which they stand on each other
IN_REPORT = ("statistics", "findings", "figures", "answers", "pages")
# libraries beside Python's own
LIBRARIES = {
    "similarity": {"numpy", "scipy"},
    "consensus": {"numpy", "scipy", "pandas"},
    "report": {"jinja2", "markupsafe", "matplotlib", "numpy", "pandas", "scipy"},
    "scoring": {"numpy"},
    "__init__": set(),
    "runtime": {"numpy", "torch"},
    "runtime.named_function": set(),
    "runtime.script": set(),
    "configuration": {"annotated_types", "pydantic", "pydantic_core", "yaml"},
    "configuration.opset": {"onnx"},
}
# what a configuration is checked against: data, no computations
CATALOGUES = (
    "catalog",
    "models.architectures",
    "models.candidates",
    "models.hub_files",
    "models.network_blocks",
    "models.specifications",
    "models.starts",
)
NO_TORCH = [
    "activations.features",
    "attacks",
    "attacks.result",
    "cli",
    "cli.first_configuration",
    "cli.launch",
    "configuration",
    "consensus.agreement",
    "consensus.ranking",
    "data.catalog",
    "data.image_file",
    "data.image_folder",
    "data.prepare",
    "data.shift_files",
    "data.shifted",
    "estimate.forecast",
    "estimate.makespan",
    "estimate.preview",
    "estimate.requirements",
    "estimate.stages",
    "evaluation",
    "models.architectures",
    "models.blocks",
    "models.candidates",
    "models.configured",
    "models.hub_files",
    "models.network_blocks",
    "models.network_file",
    "models.specifications",
    "models.starts",
    "plan.lattice",
    "plan.steps",
    "plan.targets",
    "report",
    "report.figures.corruptions",
    "report.figures.shortcut",
    "report.figures.style",
    "report.pages.overview",
    "report.summary",
    "report.pages.table_pages",
    "runtime.devices",
    "runtime.gpus",
    "runtime.job",
    "runtime.machine",
    "runtime.processes",
    "runtime.shards",
    "scoring.own",
    "scoring.scores",
    "searching.catalog",
    "searching.cost",
    "searching.sets",
    "similarity.catalog",
    "surgery",
    "training",
    "training.catalog",
    "training.recipe",
]


def imports(path):
    """Absolute names of all modules that a file imports, at any depth."""
    package = ["layer_pruning", *path.relative_to(PACKAGE).parent.parts]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            inside = [name for alias in node.names if (name := f"{module}.{alias.name}") in MODULES]
            # a package whose modules alone are imported is no module of its own
            yield from inside if len(inside) == len(node.names) else [module, *inside]


def room(module):
    return module.split(".")[1] if module.count(".") else ""


def _module(path):
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


SCRIPTS = sorted((PACKAGE.parents[1] / "workflow" / "scripts").glob("*.py"))
FILES = sorted(PACKAGE.rglob("*.py"))
MODULES = {_module(path): path for path in FILES}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_room_imports_only_what_it_may(path):
    inside = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    for module in imports(path):
        assert not module.startswith("snakemake")
        if module.startswith("layer_pruning."):
            common = set() if inside in FLOORS[0] else COMMON
            assert room(module) in MAY_IMPORT[inside] | common | {inside}, module
            if inside == "report" and room(module) not in COMMON | {inside}:
                assert module.removeprefix("layer_pruning.") in RECORDS, module
            if inside == "configuration" and room(module) not in COMMON | {inside}:
                assert module.endswith(CATALOGUES), module
        elif module != "layer_pruning" and (libraries := libraries_of(path)) is not None:
            top = module.split(".")[0]
            assert top in libraries or top in sys.stdlib_module_names, module


def libraries_of(path):
    """Those of a module or else of its room; None where any will do."""
    module = _module(path).removeprefix("layer_pruning.")
    return LIBRARIES.get(
        module, LIBRARIES.get(path.relative_to(PACKAGE).parts[0].removesuffix(".py"))
    )


def test_a_room_stands_on_rooms_above_it_in_the_table():
    """So no room imports one that imports it."""
    known = set()
    for floor in FLOORS:
        for name, rooms in floor.items():
            assert rooms <= known, name
        known |= floor.keys()


def test_a_room_of_the_report_stands_on_those_before_it():
    assert {path.parent.name for path in (PACKAGE / "report").glob("*/__init__.py")} == {*IN_REPORT}
    for place, name in enumerate(IN_REPORT):
        later = tuple(f"layer_pruning.report.{room}." for room in IN_REPORT[place + 1 :])
        for path in (PACKAGE / "report" / name).glob("*.py"):
            assert not [module for module in imports(path) if module.startswith(later)], path


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
    modules = {name: path for name, path in MODULES.items() if name != "layer_pruning"}
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


def _longest(name, modules):
    """The module of the package that an import names: itself, or that which holds the name."""
    while name not in modules and "." in name:
        name = name.rpartition(".")[0]
    return name if name in modules else None
