"""The report: one page, which opens on the answers."""

from layer_pruning.job import job

from pathlib import Path

from vl_convert import javascript_bundle

from layer_pruning.installation import workflow_folder
from layer_pruning.report.assembly import family_parts
from layer_pruning.report.front_page import answer_lines, front_page
from layer_pruning.report.html_page import write_html
from layer_pruning.report.main_table import write_text
from layer_pruning.report.network_tables import read_csv
from layer_pruning.report.overview import read_answers

CAPTIONS = workflow_folder() / "workflow" / "report"

with job(snakemake.log[0]):
    given, beside = snakemake.input, snakemake.params.beside
    answers = read_answers(given.answers)
    shown = {name: CAPTIONS / f"{name}.rst" for name in snakemake.params.captions}
    files = (given.figures, given.attacks, given.pages)
    parts = family_parts(answers, read_csv(given.summary), *files, shown)
    headings = zip(snakemake.params.tables, given.tables, strict=True)
    tables = {name: Path(file).read_text() for name, file in headings}
    library = javascript_bundle("window.vegaEmbed = vegaEmbed")
    write_html(front_page(parts, tables, library=library, further=beside), snakemake.output.html)
    write_text("\n".join(answer_lines(answers)) + "\n", snakemake.output.lines)
