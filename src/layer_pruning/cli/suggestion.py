"""Commands that are suggested, as a shell takes them: names with spaces need quotes."""

import shlex


def command_text(*words: object) -> str:
    """A command of ``layer-pruning``, to be pasted as it stands."""
    return shlex.join(["layer-pruning", *map(str, words)])


def quoted_command(*words: object) -> str:
    """The same within a sentence, between marks that are not those of its names."""
    text = command_text(*words)
    return f'"{text}"' if "'" in text else f"'{text}'"
