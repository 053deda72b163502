"""``python -m layer_pruning.cli`` is ``layer-pruning``."""

import sys

from layer_pruning.cli.commands import main

sys.exit(main())
