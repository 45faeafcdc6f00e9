"""SSLP.Engine for Python: whole-slide images, patches, a loader, a memory bank, self-supervised pretraining."""

from ._abi import SslpError
from ._bank import Bank, Spatial, StepResult, ThreeTermStep
from ._core import Context, Patches, Slide
from ._loader import Batch, Loader
from ._training import Encoder, Metrics, Trainer, export_onnx

__all__ = ["Bank", "Batch", "Context", "Encoder", "Loader", "Metrics", "Patches", "Slide", "Spatial", "SslpError", "StepResult",
           "ThreeTermStep", "Trainer", "export_onnx"]
