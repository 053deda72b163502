"""Python processes in which this project, and what else is named, cannot be imported."""

import subprocess
import sys
import sysconfig
from pathlib import Path

START = """
import sys
sys.path += ["", {site_packages!r}]
for name in {forbidden!r}:
    sys.modules[name] = None
try:
    import layer_pruning
except ImportError:
    pass
else:
    sys.exit("layer_pruning can be imported")
"""


def run_alone(folder: Path, code: str, *, without: tuple[str, ...] = ()) -> None:
    """Run ``code`` in ``folder`` with the installed libraries, less this project and ``without``.

    Isolated (-I) and without site (-S): neither PYTHONPATH nor an editable installation counts.
    """
    forbidden = ("layer_pruning", "torchvision", *without)
    start = START.format(site_packages=sysconfig.get_path("purelib"), forbidden=forbidden)
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", start + code], cwd=folder, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
