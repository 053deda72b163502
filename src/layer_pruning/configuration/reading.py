"""The file of a configuration: YAML that holds a mapping without a key twice."""

from pathlib import Path
from typing import Any

import yaml

from layer_pruning.configuration.errors import ConfigError


def check_parses(path: Path) -> dict[str, Any]:
    """The content of a configuration file as it stands.

    Raises ConfigError, naming file and line, unless it is YAML that holds a mapping without a key
    twice. Snakemake's own message names neither, and of two equal keys the last would win unsaid.
    """
    try:
        text = path.read_text(encoding="utf-8")
        content = yaml.safe_load(text)
        _check_keys(path, yaml.compose(text))
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}; give the path of a configuration") from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f", line {mark.line + 1}" if mark else ""
        raise ConfigError(f"{path}{where}: not YAML: {error.problem}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(content, dict):
        raise ConfigError(f"{path}: should be 'key: value' pairs, such as 'removals: 5'")
    return content


def _check_keys(path: Path, node: Any) -> None:
    """Raise ConfigError where a mapping of a parsed file, at any depth, has a key twice."""
    if isinstance(node, yaml.MappingNode):
        seen: dict[str, int] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            if key.value in seen:
                raise ConfigError(
                    f"{path}, line {line}: '{key.value}' is in line {seen[key.value]} already; "
                    "one of the two should go"
                )
            seen[key.value] = line
            _check_keys(path, value)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            _check_keys(path, value)
