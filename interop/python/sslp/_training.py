"""Pretraining and embedding: what libsslp has and libsslp-data has not."""

import ctypes as c
from typing import Any, Iterator, Optional, Tuple

import numpy as np

from . import _abi as abi
from ._arrays import packed, pointer, written
from ._core import Context, Patches


class Metrics:
    """What a step showed, as a line of metrics.jsonl."""

    def __init__(self, given: Any) -> None:
        for name, _ in given._fields_:
            if name not in ("size", "reserved", "self"):
                setattr(self, name, getattr(given, name))
        self.self_term = given.self

    step: int
    total_steps: int
    epoch: float
    loss: float
    self_term: float
    intra: float
    inter: float
    gradient_norm: float
    ramp: float
    learning_rate: float
    patches_per_second: float
    data_wait: float
    spatial_size: float
    feature_size: float
    negative_size: float
    replaced_patches: int


class Trainer(abi.Handle):
    """A pretraining run in a folder, as sslp pretrain writes it and with the same losses to the bit.

    options are the keys of sslp pretrain --options: epochs=20, batch_size=64, arch="resnet18". resume goes on where the folder has a
    checkpoint. Iterating it trains: for metrics in trainer.
    """

    def __init__(self, patches: Patches, run: str, resume: bool = False, **options: Any) -> None:
        lines = "\n".join(f"{key}={str(value).lower() if isinstance(value, bool) else value}" for key, value in options.items())
        super().__init__(abi.opened("sslp_trainer_open", patches, run.encode(), lines.encode(), c.c_int32(resume)), patches)
        info = self._info()
        self.batch_size: int = info.batch_size
        self.total_steps: int = info.total_steps
        self.steps_per_epoch: int = info.steps_per_epoch
        self.resumed: bool = bool(info.resumed)

    @property
    def steps_done(self) -> int:
        return self._info().steps_done

    def step(self) -> Optional[Metrics]:
        """One step; None where none was left: checkpoint and encoder are then written."""
        metrics = abi.Metrics()
        return None if abi.call("sslp_trainer_step", self, c.byref(metrics)) == abi.END else Metrics(metrics)

    def __iter__(self) -> Iterator[Metrics]:
        while True:
            metrics = self.step()
            if metrics is None:
                return
            yield metrics

    def checkpoint(self) -> None:
        """Writes checkpoint and encoder as they are now; the next step goes on."""
        abi.call("sslp_trainer_checkpoint", self)

    def export(self, path: str) -> None:
        """Writes the encoder as it is now: safetensors by torchvision's names."""
        abi.call("sslp_trainer_export", self, path.encode())

    def cancel(self) -> None:
        """Ends the step of another thread, which finishes it, writes a checkpoint and raises."""
        abi.call("sslp_cancel", self)

    def _info(self) -> Any:
        return abi.fill("sslp_trainer_info_of", self, abi.TrainerInfo())


class Encoder(abi.Handle):
    """A trained encoder; every patch goes through the preprocessing that its file states."""

    def __init__(self, context: Context, path: str) -> None:
        super().__init__(abi.opened("sslp_encoder_open", context, path.encode()), context)
        info = abi.fill("sslp_encoder_info_of", self, abi.EncoderInfo())
        self.width: int = info.width
        self.patch_size: int = info.patch_size
        self.mpp: Optional[float] = info.mpp or None

    def embed(self, patches: Patches, which: Any = None, out: Optional[np.ndarray] = None) -> np.ndarray:
        """float32 [n, width] of patches which, or all; the row of a patch that does not read is NaN."""
        asked = np.arange(len(patches), dtype=np.int32) if which is None else packed(which, np.int32)
        features = self._out(len(asked), out)
        unread = c.c_int32()
        abi.call("sslp_embed", self, patches, pointer(asked), c.c_int32(len(asked)), pointer(features), c.byref(unread))
        return features

    def embed_pixels(self, rgb: Any, out: Optional[np.ndarray] = None) -> np.ndarray:
        """The same of pixels uint8 [n, P, P, 3]."""
        taken = packed(rgb, np.uint8)
        if taken.ndim != 4 or taken.shape[1] != taken.shape[2] or taken.shape[3] != 3:
            raise ValueError(f"The pixels are of shape {taken.shape}; (n, P, P, 3) is wanted.")
        features = self._out(len(taken), out)
        abi.call("sslp_embed_pixels", self, pointer(taken), c.c_int32(len(taken)), c.c_int32(taken.shape[1]), pointer(features))
        return features

    def _out(self, count: int, out: Optional[np.ndarray]) -> np.ndarray:
        shape: Tuple[int, int] = (count, self.width)
        return np.empty(shape, np.float32) if out is None else written(out, np.float32, shape)


def export_onnx(context: Context, encoder: str, path: str) -> None:
    """An encoder file as ONNX: pixels in, features out."""
    abi.call("sslp_export_onnx", context, encoder.encode(), path.encode())
