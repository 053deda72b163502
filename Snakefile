from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.utils import min_version

from layer_pruning.atomic import check_writable, folders_below
from layer_pruning.chain import Chain
from layer_pruning.configuration import ConfigError, check_parses, complete, with_command_line
from layer_pruning.installation import shadowing

min_version("9.10.0")

DEFAULT = Path(workflow.basedir) / "config" / "config.yaml"

# A configuration of one's own replaces the demonstration, rather than being merged into it.
try:
    check_writable(Path(), Path(".snakemake"))
    if workflow.is_main_process:
        check_writable(*folders_below(Path("results")))
    for path in workflow.configfiles or [DEFAULT]:
        check_parses(Path(path))
except PermissionError as error:
    raise WorkflowError(str(error))
except ConfigError as error:
    raise WorkflowError(f"config: {error}")

if workflow.is_main_process and (shadowed := shadowing(Path(workflow.basedir))):
    logger.warning(shadowed)

if not workflow.configfiles:

    configfile: DEFAULT


try:
    config.update(complete(with_command_line(config, workflow.config_settings.config)))
    CHAIN = Chain.of(config)
except ConfigError as error:
    raise WorkflowError(f"config: {error}")


report: "workflow/report/workflow.rst"


include: "rules/common.smk"
include: "rules/machine.smk"
include: "rules/data.smk"
include: "rules/training.smk"
include: "rules/scoring.smk"
include: "rules/evaluation.smk"
include: "rules/shortcut.smk"
include: "rules/export.smk"
include: "rules/report.smk"
include: "rules/tracking.smk"


localrules:
    all,


rule all:
    default_target: True
    input:
        "results/report.html",
        "results/snakemake-report.zip",
        "results/summary.csv",
        CHAIN.everywhere(rules.export.output.manifest, CHAIN.exported),
        TOLD,
