"""A run as TensorBoard reads it: one file of events. No torch."""

import shutil
import struct
from pathlib import Path

from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.event_file_writer import EventFileWriter

from layer_pruning.tracking.runs import Run


def tell(run: Run, folder: Path) -> dict[str, str]:
    """Write the events of ``run`` into ``folder``, which holds nothing else; where they are."""
    shutil.rmtree(folder, ignore_errors=True)
    writer = EventFileWriter(str(folder))
    try:
        for name, curve in run.curves.items():
            for step, value in curve:
                shown = Summary(value=[Summary.Value(tag=name, simple_value=value)])
                writer.add_event(Event(step=step, summary=shown))
        for name, path in run.figures.items():
            shown = Summary(value=[Summary.Value(tag=name, image=_image(path))])
            writer.add_event(Event(step=0, summary=shown))
    finally:
        writer.close()
    return {"folder": str(folder)}


def _image(path: Path) -> Summary.Image:
    content = path.read_bytes()
    # width and height stand behind the signature and the name of the first chunk
    width, height = struct.unpack(">II", content[16:24])
    return Summary.Image(width=width, height=height, colorspace=4, encoded_image_string=content)
