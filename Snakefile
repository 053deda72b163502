from pathlib import Path

import yaml
from snakemake.exceptions import WorkflowError
from snakemake.utils import min_version

from layer_pruning.chain import Chain
from layer_pruning.configuration import ConfigError, check_parses, complete, with_command_line
from layer_pruning.installation import check_interpreter, shadowing, workflow_folder
from layer_pruning.runtime.atomic import check_writable, folders_below

min_version("9.17.0")

# of another workflow, whose are then the configuration files and the folders
IS_MODULE = not workflow.modifier.is_main_snakefile()
DEFAULT = workflow_folder() / "config" / "config.yaml"

# A configuration of one's own replaces the demonstration, rather than being merged into it.
try:
    check_interpreter()
    check_writable(Path(), Path(".snakemake"))
    if workflow.is_main_process and not IS_MODULE:
        check_writable(*folders_below(Path("results")))
    for path in [] if IS_MODULE else workflow.configfiles or [DEFAULT]:
        check_parses(Path(path))
except ConfigError as error:
    raise WorkflowError(f"config: {error}")
except (PermissionError, ValueError) as error:
    raise WorkflowError(str(error))

if workflow.is_main_process and (shadowed := shadowing(Path(workflow.basedir))):
    logger.warning(shadowed)

if not IS_MODULE and not workflow.configfiles:

    configfile: DEFAULT


try:
    # not in place: a module's may be a part of that of the workflow which uses it
    is_whole = config is workflow.modifier_stack[0].globals["config"]
    said = workflow.config_settings.config if is_whole else {}
    # a module that is given a configuration reads no file of one
    given = config if config or not IS_MODULE else yaml.safe_load(DEFAULT.read_text())
    config = complete(with_command_line(given, said))
    CHAIN = Chain.of(config)
except ConfigError as error:
    raise WorkflowError(f"config: {error}")


report: "workflow/report/workflow.rst"


include: "rules/common.smk"
include: "rules/machine.smk"
include: "rules/data.smk"
include: "rules/training.smk"
include: "rules/scoring.smk"
include: "rules/search.smk"
include: "rules/evaluation.smk"
include: "rules/shortcut.smk"
include: "rules/export.smk"
include: "rules/shown.smk"
include: "rules/report.smk"
include: "rules/tracking.smk"


localrules:
    all,


rule all:
    input:
        "results/report.html",
        [] if IS_MODULE else "results/snakemake-report.zip",
        "results/summary.csv",
        # what the report reads is asked for by name: a record that one of several readers has set
        # aside as damaged would not be missed where the others had been done before
        rules.report.input,
        OF_NETWORKS,
        TOLD,
