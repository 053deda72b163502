"""The front page of the report, and its tables."""

from layer_pruning.job import job

from layer_pruning.report.main_table import latex, markdown, write_text
from layer_pruning.report.robustness import paired_robustness, pooled_robustness
from layer_pruning.report.summary import read_csv
from layer_pruning.report.tables import cost_page, overview, summary_page, table_page, write_html

with job(snakemake.log[0]):
    summary = read_csv(snakemake.input.summary)
    paired = paired_robustness(snakemake.input.attacks)
    pooled = pooled_robustness(snakemake.input.attacks)
    write_html(overview(summary, pooled), snakemake.output.overview)
    write_html(summary_page(summary), snakemake.output.summary)
    write_html(cost_page(summary), snakemake.output.cost)
    write_html(
        table_page(paired, "Robustness: each network and its baseline on the same images"),
        snakemake.output.robustness,
    )
    write_text(markdown(summary), snakemake.output.markdown)
    write_text(latex(summary), snakemake.output.latex)
