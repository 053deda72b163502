"""Collect figures and tables with Snakemake's own report, as a folder in an archive."""

from layer_pruning.job import job

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from layer_pruning.installation import workflow_folder

workflow, output = workflow_folder(), Path(snakemake.output[0])
program = workflow / "workflow" / "report" / "snakemake_report.py"
# beside the output, so that it is moved into place whole
temporary = tempfile.TemporaryDirectory(prefix=".report-", dir=output.parent)
with job(snakemake.log[0]) as logger, temporary as folder:
    config, written = Path(folder, "config.json"), Path(folder, output.name)
    config.write_text(json.dumps(snakemake.config))
    command = [sys.executable, "-P", str(program), "report_contents"]
    command += ["--report", str(written), "--configfile", str(config), "--cores", "1"]
    command += [
        "--snakefile",
        str(workflow / "Snakefile"),
        "--workflow-profile",
        "none",
        "--nolock",
    ]
    done = subprocess.run(command, capture_output=True, text=True)
    logger.info(done.stdout + done.stderr)
    if done.returncode or not written.is_file():
        raise ValueError(f"snakemake --report failed; see {snakemake.log[0]}")
    written.replace(output)
