"""The report runs nothing that a user, or the working folder, brings along."""

import re
import subprocess
import sys
from shutil import which

import pytest

from shared_files import ROOT

PROGRAM = ROOT / "workflow" / "report" / "snakemake_report.py"
HOSTILE = (
    "</script><script>document.title = 'it ran'</script><img src=x onerror=\"document.title=1\">"
)
SNAKEFILE = f"""
rule page:
    output:
        report("page.html", labels={{"figure": {HOSTILE!r}}}),
    params:
        given={HOSTILE!r},
    shell:
        "echo whole > {{output}}"
"""


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    folder = tmp_path_factory.mktemp("page")
    (folder / "Snakefile").write_text(SNAKEFILE)
    (folder / "config.json").write_text('{"path": "</script><script>document.title = 1</script>"}')
    # what a user may have beside the results
    for name in ("yaml", "json", "jinja2"):
        (folder / f"{name}.py").write_text("open('MARK', 'w')\nraise SystemExit('not this one')\n")
    command = [sys.executable, "-P", str(PROGRAM), "--cores", "1", "--configfile", "config.json"]
    for more in ([], ["--report", "report.html"]):
        done = subprocess.run([*command, *more], cwd=folder, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    assert not (folder / "MARK").exists()
    return folder / "report.html"


def test_no_string_of_a_configuration_ends_a_script(page):
    text = page.read_text()
    assert "document.title = 'it ran'" in text
    assert "</script><script>document.title" not in text
    # the scripts of the page itself are whole
    assert re.search(r'<script id="rules">\s+var rules = \{', text)


@pytest.mark.skipif(which("chromium") is None, reason="chromium is not installed")
def test_a_browser_runs_no_string_of_a_configuration(page, tmp_path):
    command = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom"]
    command += [f"--user-data-dir={tmp_path}", "--virtual-time-budget=8000", page.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240)
    assert "<title>Snakemake Report</title>" in done.stdout
    # the page works: its menu was drawn
    assert "Workflow" in done.stdout
