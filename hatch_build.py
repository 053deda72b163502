"""Puts the workflow into the wheel, where `layer_pruning.installation` finds it."""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

CARRIED = ("Snakefile", "config", "envs", "profiles", "rules", "workflow")


class CarryWorkflow(BuildHookInterface):
    """A step of the build of a wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the workflow as it lies here; an editable installation uses it where it is."""
        if version == "standard":
            build_data["force_include"] |= {
                str(Path(self.root, name)): f"layer_pruning/_workflow/{name}" for name in CARRIED
            }
