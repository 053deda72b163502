"""The front page of the report, its answers as data, and the tables."""

from layer_pruning.runtime.script import job

from layer_pruning.report.html_page import write_html
from layer_pruning.report.network_tables import read_csv
from layer_pruning.report.pages.main_table import latex, markdown, write_text
from layer_pruning.report.pages.overview import overview, pairs, tables_of, write_answers
from layer_pruning.report.pages.table_pages import cost_page, robustness_page, summary_page
from layer_pruning.report.selection import on_the_way

with job(snakemake.log[0]):
    given, told, out = snakemake.input, snakemake.params, snakemake.output
    summary = read_csv(given.summary)
    tables = tables_of(summary, given.attacks, given.corruptions, given.shortcuts)
    found = pairs(summary, tables, told.controls, told.margin_points / 100)
    write_answers(found, out.answers)
    write_html(overview(found, told.target, told.given_weights), out.overview)
    write_html(summary_page(summary), out.summary)
    write_html(cost_page(summary), out.cost)
    passed = on_the_way(summary)
    write_html(robustness_page(given.attacks, given.corruptions, passed), out.robustness)
    write_text(markdown(summary), out.markdown)
    write_text(latex(summary), out.latex)
