"""The report: one page, which opens on the answers."""

from layer_pruning.script import job

from pathlib import Path

from vl_convert import javascript_bundle

from layer_pruning.report.assembly import pair_sections
from layer_pruning.report.front_page import answer_lines, front_page
from layer_pruning.report.html_page import write_html
from layer_pruning.report.main_table import write_text
from layer_pruning.report.network_tables import read_csv
from layer_pruning.report.overview import read_answers

with job(snakemake.log[0]):
    given, answers = snakemake.input, read_answers(snakemake.input.answers)
    shown = {file.stem: file for file in map(Path, snakemake.params.captions)}
    files = (read_csv(given.summary), given.figures, given.attacks, given.pages, shown)
    pages = (Path(file).read_text() for file in given.tables)
    tables = dict(zip(snakemake.params.tables, pages, strict=True))
    beside = {"library": javascript_bundle("window.vegaEmbed = vegaEmbed")}
    beside["further"] = snakemake.params.beside
    write_html(front_page(pair_sections(answers, *files), tables, **beside), snakemake.output.html)
    write_text("\n".join(answer_lines(answers)) + "\n", snakemake.output.lines)
