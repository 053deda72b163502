"""Collect figures and tables with Snakemake's own report, as a folder in an archive."""

from layer_pruning.runtime.script import job

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from layer_pruning.installation import workflow_folder

source, output = workflow_folder(), Path(snakemake.output[0])
whole = tempfile.TemporaryDirectory(prefix=".report-", dir=output.parent)
with job(snakemake.log[0]) as logger, whole as folder:
    config, written = Path(folder, "config.json"), Path(folder, output.name)
    config.write_text(json.dumps(snakemake.config))
    files = {"report": written, "configfile": config, "snakefile": source / "Snakefile"}
    program = f"{source}/workflow/report/snakemake_report.py"
    command = [sys.executable, "-P", program, "report_contents", "--nolock", "--cores=1"]
    command += ["--workflow-profile=none", *(f"--{name}={value}" for name, value in files.items())]
    if (done := subprocess.run(command, capture_output=True, text=True)).returncode:
        logger.info(done.stdout + done.stderr)
        raise ValueError(f"snakemake --report failed; see {snakemake.log[0]}")
    written.replace(output)
