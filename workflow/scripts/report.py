"""Collect figures and tables with Snakemake's own report, as one page and as a folder."""

from layer_pruning.job import job

import json
import subprocess
import sys
import tempfile
from pathlib import Path

place = Path(snakemake.output[0]).parent
# beside the outputs, so that they are moved into place whole
temporary = tempfile.TemporaryDirectory(prefix=".report-", dir=place)
with job(snakemake.log[0]) as logger, temporary as folder:
    config = Path(folder, "config.json")
    config.write_text(json.dumps(snakemake.config))
    for output in map(Path, snakemake.output):
        written = Path(folder, output.name)
        command = [sys.executable, "-P", snakemake.params.program, "report_contents"]
        command += ["--report", str(written), "--configfile", str(config), "--cores", "1"]
        command += ["--snakefile", snakemake.params.snakefile]
        command += ["--workflow-profile", "none", "--nolock"]
        done = subprocess.run(command, capture_output=True, text=True)
        logger.info(done.stdout + done.stderr)
        if done.returncode or not written.is_file():
            raise ValueError(f"snakemake --report failed; see {snakemake.log[0]}")
        written.replace(output)
