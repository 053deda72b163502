"""The report: one page, which opens on the answers."""

from layer_pruning.runtime.script import job

from pathlib import Path

from vl_convert import javascript_bundle

from layer_pruning.installation import workflow_folder
from layer_pruning.report.network_tables import read_csv
from layer_pruning.report.pages.assembly import pair_sections
from layer_pruning.report.pages.front_page import answer_lines, front_page
from layer_pruning.report.pages.main_table import write_text
from layer_pruning.report.pages.overview import read_answers

with job(snakemake.log[0]):
    given, params, folder = snakemake.input, snakemake.params, workflow_folder()
    answers = read_answers(given.answers)
    shown = {name: folder / f"workflow/report/{name}.rst" for name in params.captions}
    files = (read_csv(given.summary), given.figures, given.attacks, given.pages, shown)
    tables = dict(zip(params.tables, map(Path.read_text, map(Path, given.tables)), strict=True))
    more = {"library": javascript_bundle("window.vegaEmbed = vegaEmbed"), "further": params.beside}
    page = front_page(pair_sections(answers, *files), tables, **more)
    write_text(page, snakemake.output.html)
    write_text("\n".join(answer_lines(answers)) + "\n", snakemake.output.lines)
