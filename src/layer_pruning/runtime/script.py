"""What a script of the workflow imports first; being imported, it prepares the process for a job.

Importing PyTorch takes seconds, and Ctrl-C or a missing package in that time should be no page of
traceback. What a script imports next stays until it ends; looking for garbage in it meanwhile would
take a seventh of the time that PyTorch takes to import, so `job` begins to look.
"""

import gc
import sys

from layer_pruning.runtime.job import job, said_briefly, wait_passively

gc.disable()
wait_passively()
sys.excepthook = said_briefly

__all__ = ["job"]
