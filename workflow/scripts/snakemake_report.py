"""Collect figures and tables with Snakemake's own report, as a folder in an archive."""

from layer_pruning.job import job

import json
import subprocess
import sys
import tempfile
from pathlib import Path

with job(snakemake.log[0]) as logger, tempfile.TemporaryDirectory() as folder:
    config = Path(folder, "config.json")
    config.write_text(json.dumps(snakemake.config))
    command = [sys.executable, "-m", "snakemake", "report_contents"]
    command += ["--report", snakemake.output[0], "--configfile", str(config)]
    command += ["--snakefile", snakemake.params.snakefile]
    command += ["--workflow-profile", "none", "--nolock", "--cores", "1"]
    done = subprocess.run(command, capture_output=True, text=True)
    logger.info(done.stdout + done.stderr)
    if done.returncode:
        raise ValueError(f"snakemake --report failed; see {snakemake.log[0]}")
