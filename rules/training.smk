from layer_pruning.configuration import recipe_of
from layer_pruning.surgery import REVISION as SURGERY_REVISION


localrules:
    prune,


# what the networks that count are fine-tuned by at last
LONGEST_TUNING = "final" if CHAIN.last_phase else "finetuning"

# what is trained from new weights has the teacher of the networks that it stands beside
TAUGHT = {
    key: of_recipe(LONGEST_TUNING)[key]
    for key in ("distillation_weight", "distillation_temperature")
    if any(
        recipe_of(config, LONGEST_TUNING, name)["distillation_weight"] > 0
        for name in config["architectures"]
    )
}

# epochs of one fine-tuning; of all up to a step, the last phase included; and with the baseline's
ROUND_EPOCHS = lambda names: CHAIN.finetuning_epochs(
    names.criterion, names.architecture, int(names.step)
)
TUNING_EPOCHS = lambda names: CHAIN.tuning_epochs(names.architecture, int(names.step))
SCRATCH_EPOCHS = lambda names: CHAIN.scratch_epochs(names.architecture, int(names.step))


rule train_baseline:
    input:
        data="results/{dataset}/data.npz",
        start=start_of_baseline,
    output:
        network=f"{RUN}/baseline/network.safetensors",
        history=f"{RUN}/baseline/history.csv",
        emissions=f"{RUN}/baseline/emissions.json",
    log:
        f"{RUN}/baseline/logs/train_baseline.log",
    # no benchmark: Snakemake lets no rule that has one be cached; the log says time and memory
    cache: workflow.enable_cache
    priority: AT_ONCE
    conda:
        "../envs/torch.yaml"
    threads: config["threads"] * PROCESSES
    resources:
        **OF_PROCESSES,
        gpu=GPU * PROCESSES,
        mem_mb=memory_for("training"),
        runtime=minutes_for("training"),
        disk_mb=disk_for("training"),
    params:
        **of_recipe("training"),
        name="{architecture}",
        architecture=lambda names: config["architectures"][names.architecture],
        seed=seed_of,
        state=placed(f"{RUN}/baseline/{STATE}"),
    message:
        "Training the baseline {wildcards.architecture} on {wildcards.dataset}, seed {wildcards.seed}"
    script:
        "../workflow/scripts/train_baseline.py"


rule prune:
    input:
        network=parent_file("network.safetensors"),
        ranking=decision(),
    output:
        network=f"{PRUNED}/pruned.safetensors",
    log:
        f"{PRUNED}/logs/prune.log",
    benchmark:
        f"{PRUNED}/benchmarks/prune.tsv"
    priority: AT_ONCE
    conda:
        "../envs/tables.yaml"
    threads: 1
    resources:
        mem_mb=memory_for("scoring"),
        runtime=10,
    params:
        min_blocks_per_stage=config["min_blocks_per_stage"],
        protect=config["protect"],
        revision=SURGERY_REVISION,
    message:
        "Removing what {wildcards.criterion} ranks first to go: removal {wildcards.step}, seed {wildcards.seed}"
    script:
        "../workflow/scripts/prune.py"


rule finetune:
    input:
        data="results/{dataset}/data.npz",
        network=f"{PRUNED}/pruned.safetensors",
        teacher=teacher_of("finetuning"),
    output:
        network=f"{PRUNED}/network.safetensors",
        history=f"{PRUNED}/history.csv",
        emissions=f"{PRUNED}/emissions.json",
    log:
        f"{PRUNED}/logs/finetune.log",
    benchmark:
        f"{PRUNED}/benchmarks/finetune.tsv"
    priority: AT_ONCE
    conda:
        "../envs/torch.yaml"
    threads: config["threads"] * PROCESSES
    resources:
        **OF_PROCESSES,
        gpu=GPU * PROCESSES,
        mem_mb=memory_for("finetuning"),
        runtime=minutes_for("finetuning", ROUND_EPOCHS),
        disk_mb=disk_for("finetuning"),
    params:
        **of_recipe("finetuning", epochs=ROUND_EPOCHS),
        seed=seed_of,
        state=placed(f"{PRUNED}/{STATE}"),
    message:
        "Fine-tuning {wildcards.criterion} after removal {wildcards.step}, {wildcards.architecture}, seed {wildcards.seed}"
    script:
        "../workflow/scripts/finetune.py"


# The same beside the path, which goes on from the short fine-tuning.
use rule finetune as finetune_last with:
    input:
        data="results/{dataset}/data.npz",
        network=beside("final", FINISHED, "network.safetensors"),
        teacher=teacher_of(LONGEST_TUNING),
    output:
        network=f"{FINAL}/network.safetensors",
        history=f"{FINAL}/history.csv",
        emissions=f"{FINAL}/emissions.json",
    log:
        f"{FINAL}/logs/finetune_last.log",
    benchmark:
        f"{FINAL}/benchmarks/finetune_last.tsv"
    resources:
        **OF_PROCESSES,
        gpu=GPU * PROCESSES,
        mem_mb=memory_for(LONGEST_TUNING),
        runtime=minutes_for(LONGEST_TUNING),
        disk_mb=disk_for(LONGEST_TUNING),
    params:
        **of_recipe(LONGEST_TUNING),
        seed=seed_of,
        state=placed(f"{FINAL}/{STATE}"),
    message:
        "Last phase of {wildcards.final} after removal {wildcards.step}, {wildcards.architecture}, seed {wildcards.seed}"


# Whether more training alone does it: the unpruned network, for as many epochs more.
use rule finetune as train_on with:
    input:
        data="results/{dataset}/data.npz",
        network=f"{RUN}/baseline/network.safetensors",
        teacher=teacher_of(LONGEST_TUNING),
    output:
        network=f"{CONTINUED}/network.safetensors",
        history=f"{CONTINUED}/history.csv",
        emissions=f"{CONTINUED}/emissions.json",
    log:
        f"{CONTINUED}/logs/train_on.log",
    benchmark:
        f"{CONTINUED}/benchmarks/train_on.tsv"
    resources:
        **OF_PROCESSES,
        gpu=GPU * PROCESSES,
        mem_mb=memory_for(LONGEST_TUNING),
        runtime=minutes_for(LONGEST_TUNING, TUNING_EPOCHS),
        disk_mb=disk_for(LONGEST_TUNING),
    params:
        **of_recipe(LONGEST_TUNING, epochs=TUNING_EPOCHS),
        seed=seed_of,
        state=placed(f"{CONTINUED}/{STATE}"),
    message:
        "Training the baseline for as many epochs more as removal {wildcards.step} had, {wildcards.architecture}, seed {wildcards.seed}"


# The comparison that pruning has to stand: its architecture, with weights of its own.
rule train_scratch:
    input:
        data="results/{dataset}/data.npz",
        model=beside("scratch", FROM_SCRATCH, "pruned.safetensors"),
        teacher=teacher_of(LONGEST_TUNING),
    output:
        network=f"{SCRATCH}/network.safetensors",
        history=f"{SCRATCH}/history.csv",
        emissions=f"{SCRATCH}/emissions.json",
    log:
        f"{SCRATCH}/logs/train_scratch.log",
    benchmark:
        f"{SCRATCH}/benchmarks/train_scratch.tsv"
    priority: AT_ONCE
    conda:
        "../envs/torch.yaml"
    threads: config["threads"] * PROCESSES
    resources:
        **OF_PROCESSES,
        gpu=GPU * PROCESSES,
        mem_mb=memory_for("training"),
        runtime=minutes_for("training", SCRATCH_EPOCHS),
        disk_mb=disk_for("training"),
    params:
        **of_recipe("training", epochs=SCRATCH_EPOCHS, **TAUGHT),
        seed=seed_of,
        state=placed(f"{SCRATCH}/{STATE}"),
    message:
        "Training what {wildcards.scratch} takes at removal {wildcards.step} from new weights, {wildcards.architecture}, seed {wildcards.seed}"
    script:
        "../workflow/scripts/train_scratch.py"
