"""Networks in the ONNX format, run by ONNX Runtime."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from foretaste.errors import MissingExtraError

#: Names of what the graph takes and gives.
INPUTS: Final = ("ids", "mask")
OUTPUT: Final = "vectors"


class OnnxForward:
    """An ONNX graph of tokens in, vectors out, on as many threads as torch would take.

    Args:
        path: The graph, as `export_onnx` writes it.

    Raises:
        MissingExtraError: ONNX Runtime is not installed.
        ValueError: It is no such graph.
    """

    batch_tokens = 2048

    def __init__(self, path: Path) -> None:
        try:
            import onnxruntime
        except ImportError:
            raise MissingExtraError("onnxruntime", "onnx") from None
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        options.log_severity_level = 3
        try:
            self._session: Any = onnxruntime.InferenceSession(
                str(path), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:
            # ONNX Runtime has a dozen kinds of its own, without a base below Exception.
            raise ValueError(f"{path.name} is no ONNX graph that can be run ({error})") from None
        names = tuple(given.name for given in self._session.get_inputs())
        if names != INPUTS:
            raise ValueError(f"{path.name} takes {', '.join(names)}, not {', '.join(INPUTS)}")

    def __call__(self, ids: NDArray[np.int64], mask: NDArray[np.bool_]) -> NDArray[np.float32]:
        """Vectors of rows of tokens, float32[n, dimension]."""
        [vectors] = self._session.run([OUTPUT], dict(zip(INPUTS, (ids, mask), strict=True)))
        return vectors
