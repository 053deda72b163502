"""The front page of the report, and its tables."""

from layer_pruning.job import job

from layer_pruning.report.areas import robust_areas
from layer_pruning.report.attack_checks import attack_warnings
from layer_pruning.report.cost_page import cost_page
from layer_pruning.report.html_page import write_html
from layer_pruning.report.main_table import latex, markdown, write_text
from layer_pruning.report.network_tables import read_csv
from layer_pruning.report.overview import overview
from layer_pruning.report.robustness import paired_robustness, pooled_robustness
from layer_pruning.report.robustness_page import robustness_page
from layer_pruning.report.shift import paired_shift
from layer_pruning.report.summary_page import summary_page

with job(snakemake.log[0]):
    attacks, corruptions = snakemake.input.attacks, snakemake.input.corruptions
    summary, pooled = read_csv(snakemake.input.summary), pooled_robustness(attacks)
    asked = {key: snakemake.params[key] for key in ("target", "given_weights", "controls")}
    front = overview(summary, pooled, shift=paired_shift(corruptions, pooled=True), **asked)
    write_html(front, snakemake.output.overview)
    write_html(summary_page(summary), snakemake.output.summary)
    write_html(cost_page(summary), snakemake.output.cost)
    tables = (paired_robustness(attacks), robust_areas(attacks))
    tables += (paired_shift(corruptions), attack_warnings(attacks))
    write_html(robustness_page(*tables), snakemake.output.robustness)
    write_text(markdown(summary), snakemake.output.markdown)
    write_text(latex(summary), snakemake.output.latex)
