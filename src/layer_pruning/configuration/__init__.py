"""From the file that the user wrote to a complete, checked configuration. No torch, no numpy.

``keys`` declares every key; ``reading`` takes the file; ``completion`` fills it in by ``keys`` and
``shorthands`` and runs the ``..._checks``; ``contents`` says what a complete configuration asks
for.
"""

from layer_pruning.configuration.completion import as_yaml, complete, with_defaults
from layer_pruning.configuration.contents import (
    MOST_REMOVALS,
    Config,
    blocks_per_step,
    continued_criteria,
    corrupted_images,
    corruptions_of,
    datasets,
    epsilons_of,
    files_of_shift,
    final_criteria,
    follows_removals,
    networks,
    origins,
    percent_of,
    promised_checksums,
    pruning_criteria,
    published_setting,
    scratch_criteria,
    searched_criteria,
    shifted_sets,
    sizes_of_classes,
    start_files,
    target,
)
from layer_pruning.configuration.errors import ConfigError
from layer_pruning.configuration.named_settings import named, named_data, named_recipe
from layer_pruning.configuration.reading import check_parses, with_command_line
from layer_pruning.configuration.recipes import (
    epochs_of,
    of_network,
    phases,
    recipe_of,
    recipe_on,
    summed_in,
)

__all__ = [
    "MOST_REMOVALS",
    "Config",
    "ConfigError",
    "as_yaml",
    "blocks_per_step",
    "check_parses",
    "complete",
    "continued_criteria",
    "corrupted_images",
    "corruptions_of",
    "datasets",
    "epochs_of",
    "epsilons_of",
    "files_of_shift",
    "final_criteria",
    "follows_removals",
    "named",
    "named_data",
    "named_recipe",
    "networks",
    "of_network",
    "origins",
    "percent_of",
    "phases",
    "promised_checksums",
    "pruning_criteria",
    "published_setting",
    "recipe_of",
    "recipe_on",
    "scratch_criteria",
    "searched_criteria",
    "shifted_sets",
    "sizes_of_classes",
    "start_files",
    "summed_in",
    "target",
    "with_command_line",
    "with_defaults",
]
