"""Which versions of ONNX's operators a network can be written in, asked before any is made."""

OLDEST_OPSET = 18


def check_opset(opset: int | None, key: str = "opset") -> None:
    """Raise ValueError, in one line, for a version that the installed ONNX does not know.

    None is PyTorch's own choice. ``key`` is what the line calls it.
    """
    if opset is None:
        return
    # a fifth of a second that few configurations need
    from onnx.defs import onnx_opset_version

    newest = onnx_opset_version()
    if not OLDEST_OPSET <= opset <= newest:
        raise ValueError(f"{key}: {OLDEST_OPSET} to {newest} would be right, not {opset}")
