from layer_pruning.configuration import as_yaml, published_setting
from layer_pruning.installation import workflow_folder
from layer_pruning.report import REVISION as REPORT_REVISION
from layer_pruning.report.catalog import OF_A_PAIR, TABLES
from layer_pruning.report.catalog import FIGURES as ENTRIES
from layer_pruning.runtime.checksums import text_checksum

# the figures of one data set and architecture that a single job draws
DRAWN = [name for name, figure in ENTRIES.items() if figure.together]
# beside the figures of single criteria and seeds
OF_ALL = {"removals": {"criterion": "all", "seed": "all"}}
OF_ALL["agreement"] = OF_ALL["removals"]

# What others published, drawn beside results about the same networks. No input: it lies with the
# workflow, and there may be several copies of that.
PUBLISHED = text_checksum([(workflow_folder() / "config/published/points.csv").read_text()])
RANKS = f"{FIGURES}/ranks/{{criterion}}-seed-{{seed}}"
ATTACKS = f"{NETWORK}/attacks/{{attack}}.json"


localrules:
    report_accuracy,
    report_figures,
    report_networks,
    report_provenance,
    report_ranks,
    report_shortcut,
    report_tables,
    report,
    snakemake_report,
    summarise,


rule summarise:
    input:
        records=CHAIN.everywhere(
            f"{NETWORK}/{{file}}",
            CHAIN.all,
            file=["accuracy.json", "complexity.json", "emissions.json"],
        ),
        histories=CHAIN.everywhere(f"{NETWORK}/history.csv", CHAIN.all),
        attacks=CHAIN.everywhere(ATTACKS, CHAIN.attacked, attack=config["attacks"]),
        corruptions=CHAIN.everywhere(
            f"{NETWORK}/corruptions.json", CHAIN.attacked, datasets=CHAIN.shifted
        ),
        calibrations=CHAIN.everywhere(f"{NETWORK}/calibration.json", CHAIN.all),
        energies=CHAIN.everywhere(f"{NETWORK}/energy.json", CHAIN.measured),
        latencies=CHAIN.everywhere(f"{NETWORK}/latency.json", CHAIN.measured),
        ledgers=CHAIN.everywhere(f"{NETWORK}/ledger.json", CHAIN.measured),
        shortcuts=CHAIN.everywhere(f"{NETWORK}/shortcut.json", CHAIN.attacked, datasets=CHAIN.cued),
        block_latencies=(
            CHAIN.everywhere(f"{RUN}/baseline/savings/latency.json")
            if "latency_reduction" in TARGET
            else []
        ),
    output:
        "results/summary.csv",
    log:
        "results/logs/summarise.log",
    benchmark:
        "results/benchmarks/summarise.tsv"
    conda:
        "../envs/tables.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        networks=[placed(folder) for folder in CHAIN.everywhere(NETWORK, CHAIN.all)],
        counting=[placed(folder) for folder in CHAIN.everywhere(NETWORK, CHAIN.counting)],
        origins=CHAIN.origins,
        blocks_per_step=CHAIN.step,
        searched=list(CHAIN.searched),
        target=TARGET,
        energy={
            key: config["energy"][key]
            for key in ("country_iso_code", "carbon_intensity_g_per_kwh")
        },
        revision=REPORT_REVISION,
    message:
        "Summarising all networks in one table"
    script:
        "../workflow/scripts/summarise.py"


# Drawn before anything is attacked or measured.
rule report_accuracy:
    input:
        accuracy=of_one(f"{NETWORK}/accuracy.json", CHAIN.all),
        complexity=of_one(f"{NETWORK}/complexity.json", CHAIN.all),
        emissions=of_one(f"{NETWORK}/emissions.json", CHAIN.all),
    output:
        svg=in_report(f"{FIGURES}/accuracy.svg", ENTRIES, "accuracy"),
        png=f"{FIGURES}/accuracy.png",
    log:
        f"{FIGURES}/logs/report_accuracy.log",
    benchmark:
        f"{FIGURES}/benchmarks/report_accuracy.tsv"
    priority: SOON
    conda:
        "../envs/tables.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        origins=CHAIN.origins,
        blocks_per_step=CHAIN.step,
        searched=list(CHAIN.searched),
        revision=REPORT_REVISION,
    message:
        "Drawing the accuracy of {wildcards.architecture} on {wildcards.dataset}"
    script:
        "../workflow/scripts/report_accuracy.py"


rule report_figures:
    input:
        summary="results/summary.csv",
        attacks=of_one(ATTACKS, CHAIN.attacked, attack=config["attacks"]),
        corruptions=of_one(f"{NETWORK}/corruptions.json", CHAIN.seen_on_shifts),
        calibrations=of_one(f"{NETWORK}/calibration.json", CHAIN.attacked),
        rankings=of_pair(CHAIN.agreements),
        starts=of_one(
            f"{RUN}/baseline/stochastic_starts.json",
            seed=config["seeds"] if CHAIN.searching else [],
        ),
        latencies=of_one(f"{NETWORK}/latency.json", CHAIN.measured),
        ledgers=of_one(f"{NETWORK}/ledger.json", CHAIN.measured),
    output:
        **{
            name: in_report(f"{FIGURES}/{name}.svg", ENTRIES, name, **OF_ALL.get(name, {}))
            for name in DRAWN
        },
        # for print; the report holds the vector graphics
        png=expand(f"{FIGURES}/{{figure}}.png", figure=DRAWN, allow_missing=True),
    log:
        f"{FIGURES}/logs/report_figures.log",
    benchmark:
        f"{FIGURES}/benchmarks/report_figures.tsv"
    conda:
        "../envs/tables.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        published=PUBLISHED,
        published_setting=lambda names: published_setting(config, names.dataset, names.architecture),
        revision=REPORT_REVISION,
    message:
        "Drawing the figures of {wildcards.architecture} on {wildcards.dataset}"
    script:
        "../workflow/scripts/report_figures.py"


rule report_ranks:
    input:
        rankings=of_one_criterion(f"{NETWORK}/ranking/{{criterion}}.csv", CHAIN.ranked_by),
        outcomes=of_one_criterion(f"{NETWORK}/complexity.json", CHAIN.pruned),
    output:
        svg=in_report(
            f"{FIGURES}/ranks/{{criterion}}-seed-{{seed}}.svg",
            ENTRIES,
            "ranks",
            criterion="{criterion}",
            seed="{seed}",
        ),
        png=f"{FIGURES}/ranks/{{criterion}}-seed-{{seed}}.png",
    log:
        f"{FIGURES}/logs/report_ranks/{{criterion}}-seed-{{seed}}.log",
    benchmark:
        f"{FIGURES}/benchmarks/report_ranks/{{criterion}}-seed-{{seed}}.tsv"
    conda:
        "../envs/tables.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        revision=REPORT_REVISION,
    message:
        "Drawing the ranks that {wildcards.criterion} gave, seed {wildcards.seed}"
    script:
        "../workflow/scripts/report_ranks.py"


rule report_shortcut:
    input:
        summary="results/summary.csv",
        shortcuts=of_one(f"{NETWORK}/shortcut.json", CHAIN.attacked),
    output:
        figure=in_report(f"{FIGURES}/shortcut.svg", ENTRIES, "shortcut"),
        png=f"{FIGURES}/shortcut.png",
        table=in_report(
            "results/tables/shortcut/{dataset}-{architecture}.html", OF_A_PAIR, "shortcut"
        ),
    log:
        f"{FIGURES}/logs/report_shortcut.log",
    benchmark:
        f"{FIGURES}/benchmarks/report_shortcut.tsv"
    conda:
        "../envs/tables.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        revision=REPORT_REVISION,
    message:
        "Drawing what {wildcards.architecture} learnt of the cue on {wildcards.dataset}"
    script:
        "../workflow/scripts/report_shortcut.py"


rule report_tables:
    input:
        summary="results/summary.csv",
        attacks=CHAIN.everywhere(ATTACKS, CHAIN.attacked, attack=config["attacks"]),
        corruptions=CHAIN.everywhere(
            f"{NETWORK}/corruptions.json", CHAIN.attacked, datasets=CHAIN.shifted
        ),
        shortcuts=CHAIN.everywhere(f"{NETWORK}/shortcut.json", CHAIN.attacked, datasets=CHAIN.cued),
    output:
        answers="results/answers.json",
        overview=in_report("results/tables/overview.html", TABLES, "overview"),
        summary=in_report("results/tables/summary.html", TABLES, "summary"),
        robustness=in_report("results/tables/robustness.html", TABLES, "robustness"),
        cost=in_report("results/tables/cost.html", TABLES, "cost"),
        markdown="results/tables/main.md",
        latex="results/tables/main.tex",
    log:
        "results/logs/report_tables.log",
    benchmark:
        "results/benchmarks/report_tables.tsv"
    conda:
        "../envs/tables.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        target=TARGET,
        given_weights=[
            name for name, options in config["architectures"].items() if options.get("weights")
        ],
        margin_points=config["claims"]["margin_points"],
        controls=CHAIN.controls,
        revision=REPORT_REVISION,
    message:
        "Writing the tables of the report"
    script:
        "../workflow/scripts/report_tables.py"


rule report_provenance:
    input:
        emissions=CHAIN.everywhere(f"{NETWORK}/emissions.json", CHAIN.all),
        latencies=CHAIN.everywhere(f"{NETWORK}/latency.json", CHAIN.measured),
    output:
        in_report("results/tables/provenance.html", TABLES, "provenance"),
    log:
        "results/logs/report_provenance.log",
    benchmark:
        "results/benchmarks/report_provenance.tsv"
    conda:
        "../envs/tables.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        configuration=as_yaml(config),
        revision=REPORT_REVISION,
    message:
        "Writing how the results were made"
    script:
        "../workflow/scripts/report_provenance.py"


OF_FAMILIES = {"dataset": config["datasets"], "architecture": config["architectures"]}
CONTENTS = [
    *[f for f in rules.report_tables.output if f.endswith(".html")],
    *rules.report_provenance.output,
    *expand(rules.report_accuracy.output, **OF_FAMILIES),
    *expand(rules.report_figures.output, **OF_FAMILIES),
    *CHAIN.everywhere([f"{RANKS}.svg", f"{RANKS}.png"], criterion=CHAIN.votes),
    *expand(rules.report_shortcut.output, **OF_FAMILIES | {"dataset": CHAIN.cued}),
]


rule report_contents:
    input:
        CONTENTS,


# everything that is made of networks and has a place on their pages
KEPT = ["network.safetensors", "history.csv"]
KEPT += ["accuracy.json", "complexity.json", "emissions.json", "calibration.json"]
COSTS = ["energy.json", "latency.json", "ledger.json"]
OF_NETWORKS = [
    *CHAIN.everywhere(f"{NETWORK}/{{file}}", CHAIN.all, file=KEPT),
    *CHAIN.everywhere(f"{NETWORK}/{{file}}", CHAIN.measured, file=COSTS),
    *CHAIN.everywhere(MANIFEST, CHAIN.exported),
    *CHAIN.everywhere(ATTACKS, CHAIN.attacked, attack=config["attacks"]),
    *CHAIN.everywhere(f"{NETWORK}/corruptions.json", CHAIN.attacked, CHAIN.shifted),
    *CHAIN.everywhere(f"{NETWORK}/shortcut.json", CHAIN.attacked, CHAIN.cued),
]


rule report_networks:
    input:
        OF_NETWORKS,
    output:
        CHAIN.everywhere(f"{NETWORK}/network.html", CHAIN.all),
    log:
        "results/logs/report_networks.log",
    benchmark:
        "results/benchmarks/report_networks.tsv"
    conda:
        "../envs/tables.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        revision=REPORT_REVISION,
    message:
        "Writing a page for each network"
    script:
        "../workflow/scripts/report_networks.py"


rule report:
    input:
        answers=rules.report_tables.output.answers,
        summary=rules.summarise.output[0],
        tables=[f"results/tables/{name}.html" for name in TABLES],
        figures=[f for f in CONTENTS if f.endswith(".svg")],
        attacks=CHAIN.everywhere(ATTACKS, CHAIN.attacked, attack=config["attacks"]),
        pages=list(rules.report_networks.output),
    output:
        html="results/report.html",
        lines="results/answers.txt",
    log:
        "results/logs/report.log",
    benchmark:
        "results/benchmarks/report.tsv"
    conda:
        "../envs/tables.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        tables=[table.heading for table in TABLES.values()],
        captions=["accuracy", "shortcut", *DRAWN],
        beside={
            "summary.csv": "summary.csv",
            "answers.json": "answers.json",
            "figures as SVG and PNG": "figures/",
            **({} if IS_MODULE else {"Snakemake's own report": "snakemake-report.zip"}),
        },
        revision=REPORT_REVISION,
    message:
        "Writing the report"
    script:
        "../workflow/scripts/report.py"


# of a module, that of the workflow which uses it has all figures and tables
rule snakemake_report:
    input:
        rules.report_contents.input,
    output:
        "results/snakemake-report.zip",
    log:
        "results/logs/snakemake_report.log",
    benchmark:
        "results/benchmarks/snakemake_report.tsv"
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        revision=REPORT_REVISION,
    message:
        "Collecting figures and tables in Snakemake's own report"
    script:
        "../workflow/scripts/snakemake_report.py"
