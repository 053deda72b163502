"""Snakemake, with all JSON safe inside a page: it puts JSON into `<script>` as it is.

A string of a configuration that holds `</script>` would end the element, and what follows would
run. Start it as `python -P snakemake_report.py …` with the arguments of `snakemake`: with `-P`,
modules in the working folder are not imported in place of installed ones.
"""

import json
import sys

plain = json.dumps


def dumps(*values, **options):
    """As `json.dumps`; an escaped `<` is the same string, and no element to a browser."""
    return plain(*values, **options).replace("<", "\\u003c")


json.dumps = dumps

from snakemake.cli import main  # noqa: E402

if __name__ == "__main__":
    sys.exit(main())
