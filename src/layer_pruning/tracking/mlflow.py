"""A run as MLflow keeps it: on the server that MLFLOW_TRACKING_URI names, or in a database here."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunTag
from mlflow.exceptions import MlflowException

from layer_pruning.tracking.runs import Run

TAG = "layer_pruning.run"
"""By which a run is found that was told of before."""


def tell(run: Run, folder: Path) -> dict[str, str]:
    """Log ``run`` in the experiment of its group; the run and where it is kept."""
    with _store(folder) as (place, files):
        client = MlflowClient(tracking_uri=place)
        experiment = _experiment(client, f"layer-pruning/{run.group}", files)
        for known in client.search_runs([experiment], f"tags.`{TAG}` = '{run.name}'"):
            client.delete_run(known.info.run_id)
        made = client.create_run(experiment, run_name=run.name, tags={TAG: run.name}).info.run_id
        points = [
            Metric(name, value, 0, step)
            for name, curve in run.curves.items()
            for step, value in curve
        ]
        about = [Param(key, value) for key, value in run.about.items()]
        client.log_batch(made, params=about, tags=[RunTag("group", run.group)])
        # as many as a server takes at a time
        for start in range(0, len(points), 1000):
            client.log_batch(made, metrics=points[start : start + 1000])
        for path in run.figures.values():
            client.log_artifact(made, str(path), "figures")
        client.set_terminated(made)
    return {"uri": place, "experiment": experiment, "run": made}


@contextmanager
def _store(folder: Path) -> Iterator[tuple[str, str | None]]:
    """Where runs are kept, and where their files are, None for the server to say.

    The database here is set up by whichever job comes first, so one at a time.
    """
    if (server := os.environ.get("MLFLOW_TRACKING_URI")) is not None:
        yield server, None
        return
    store = next((path for path in folder.parents if path.name == "mlflow"), folder.parent)
    store = store.absolute()
    with (store / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield f"sqlite:///{store}/mlflow.db", (store / "artifacts").as_uri()


def _experiment(client: MlflowClient, name: str, files: str | None) -> str:
    """The experiment of a name; jobs that run side by side may want it at the same time."""
    if (known := client.get_experiment_by_name(name)) is not None:
        return str(known.experiment_id)
    try:
        return str(client.create_experiment(name, artifact_location=files))
    except MlflowException:
        known = client.get_experiment_by_name(name)
        if known is None:
            raise
        return str(known.experiment_id)
