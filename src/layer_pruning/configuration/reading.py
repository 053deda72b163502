"""What a user gave: YAML that holds a mapping without a key twice, and ``--config`` beside it."""

from pathlib import Path
from typing import Any

import yaml

from layer_pruning.configuration.errors import ConfigError
from layer_pruning.runtime.whereabouts import configured_in

# far more than any configuration has, and little enough to be read in a moment
LARGEST_FILE = 1_000_000
DEEPEST, MOST_VALUES = 50, 50_000


def check_parses(path: Path) -> dict[str, Any]:
    """The content of a configuration file as it stands.

    Raises ConfigError, naming file and line, unless it is YAML that holds a mapping without a key
    twice. Snakemake's own message names neither, and of two equal keys the last would win unsaid.
    Nothing is built of a file before it is known to be of a size that a configuration has, with
    what its anchors stand for written out.
    """
    try:
        if path.is_file() and path.stat().st_size > LARGEST_FILE:
            raise ConfigError(f"{path}: larger than a megabyte, which no configuration is")
        text = path.read_text(encoding="utf-8")
        _check_size(path, text)
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
        _check_keys(path, node)
        content = node and loader.construct_document(node)
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}; give the path of a configuration") from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f", line {mark.line + 1}" if mark else ""
        raise ConfigError(f"{path}{where}: not YAML: {error.problem}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not YAML: {' '.join(str(error).split())}") from error
    except (ValueError, OverflowError) as error:
        if isinstance(error, ConfigError):
            raise
        # a date that there is not, a number of thousands of digits
        raise ConfigError(f"{path}: not YAML: {error}") from error
    if not isinstance(content, dict):
        raise ConfigError(f"{path}: should be 'key: value' pairs, such as 'removals: 5'")
    configured_in(path.absolute().parent)
    return content


def _check_size(path: Path, text: str) -> None:
    """Raise ConfigError where anchors contain themselves, or a file is too deep or too much.

    A value that an anchor stands for counts wherever it stands.
    """
    sizes: dict[str, int] = {}
    # the anchor of each collection that is open, and how many values there were before it
    opened: list[tuple[str | None, int]] = []
    count = 0
    for event in yaml.parse(text, yaml.SafeLoader):
        line = f"{path}, line {event.start_mark.line + 1}" if event.start_mark else f"{path}"
        if isinstance(event, yaml.AliasEvent):
            if event.anchor in (anchor for anchor, _ in opened):
                raise ConfigError(f"{line}: *{event.anchor} contains itself; write it out")
            count += sizes.get(str(event.anchor), 1)
        elif isinstance(event, yaml.ScalarEvent):
            count += 1
            if event.anchor:
                sizes[event.anchor] = 1
        elif isinstance(event, yaml.CollectionStartEvent):
            opened.append((event.anchor, count))
            count += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, before = opened.pop()
            if anchor:
                sizes[anchor] = count - before
        if len(opened) > DEEPEST:
            raise ConfigError(f"{line}: more than {DEEPEST} levels deep, as no configuration is")
        if count > MOST_VALUES:
            raise ConfigError(f"{line}: more than {MOST_VALUES} values, which no configuration has")


def _check_keys(path: Path, node: Any) -> None:
    """Raise ConfigError where a mapping of a parsed file, at any depth, has a key twice."""
    if isinstance(node, yaml.MappingNode):
        seen: dict[str, int] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                raise ConfigError(
                    f"{path}, line {line}: a list or a mapping is no key; text that begins with "
                    "{ or [ needs quotes"
                )
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


def with_command_line(config: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """``config`` with what ``--config`` gave, whose values Snakemake leaves as texts where nested.

    ``--config 'seeds=[0]'`` arrives as ``{"seeds": ["0"]}``; texts are read as YAML reads them.
    """
    return _merged(config, _reread(given))


def _reread(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _reread(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_reread(inner) for inner in value]
    if not isinstance(value, str):
        return value
    try:
        read = yaml.safe_load(value)
    except (yaml.YAMLError, ValueError, OverflowError, RecursionError):
        return value
    return read if read is None or isinstance(read, bool | int | float) else value


def _merged(config: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """``given`` put into ``config`` as Snakemake does it, mappings key by key."""
    merged = dict(config)
    for key, value in given.items():
        here = merged.get(key)
        if isinstance(here, dict) and isinstance(value, dict):
            value = _merged(here, value)
        merged[key] = value
    return merged
