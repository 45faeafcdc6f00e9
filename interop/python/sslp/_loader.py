"""Batches, lent by the library: NumPy sees them where they lie, and DLPack hands them on without a copy."""

import ctypes as c
import json
from typing import Any, Dict, Iterator, List, Optional, Tuple

import numpy as np

from . import _abi as abi
from ._arrays import Lent, on_device_stream
from ._core import Patches

_NAME, _USED = b"dltensor", b"used_dltensor"
_CPU, _CUDA = (1, 0), 2

_new_capsule = c.pythonapi.PyCapsule_New
_new_capsule.restype, _new_capsule.argtypes = c.py_object, [c.c_void_p, c.c_char_p, c.c_void_p]
_capsule_is = c.pythonapi.PyCapsule_IsValid
_capsule_is.restype, _capsule_is.argtypes = c.c_int, [c.c_void_p, c.c_char_p]
_capsule_pointer = c.pythonapi.PyCapsule_GetPointer
_capsule_pointer.restype, _capsule_pointer.argtypes = c.c_void_p, [c.c_void_p, c.c_char_p]

_Deleter = c.CFUNCTYPE(None, c.c_void_p)


class _ManagedTensor(c.Structure):
    """DLManagedTensor of dlpack.h, 0.x."""

    _fields_ = [("data", c.c_void_p), ("device_type", c.c_int32), ("device_id", c.c_int32), ("ndim", c.c_int32), ("code", c.c_uint8),
                ("bits", c.c_uint8), ("lanes", c.c_uint16), ("shape", c.c_void_p), ("strides", c.c_void_p),
                ("byte_offset", c.c_uint64), ("context", c.c_void_p), ("deleter", _Deleter)]


@c.PYFUNCTYPE(None, c.c_void_p)
def _forget(capsule: int) -> None:
    """A capsule that nobody took: the batch goes back."""
    if _capsule_is(capsule, _NAME):
        tensor = _capsule_pointer(capsule, _NAME)
        _ManagedTensor.from_address(tensor).deleter(tensor)


class Batch:
    """A full batch. It goes back to the loader when nothing holds it or an array made from it any more, or at release(). Of a loader with
    on_device it goes to the context's CUDA device when an array is made from it there: by DLPack, or by upload()."""

    def __init__(self, loader: "Loader", lent: Any) -> None:
        self._loader: Optional[Loader] = loader
        self._lent = lent
        self._stream: Optional[int] = None
        self.index: int = lent.index
        self._shape = (lent.count, lent.patch_size, lent.patch_size, 3)

    @property
    def pixels(self) -> np.ndarray:
        """uint8 [B, P, P, 3], where the library read it; not to be written."""
        return Lent(self._held(), self._lent.pixels, self._shape, "|u1").array()

    @property
    def patches(self) -> np.ndarray:
        """int32 [B]: numbers of the patches that the pixels show."""
        return Lent(self._held(), self._lent.patches, (self._lent.count,), "<i4").array()

    def release(self) -> None:
        """Gives the batch back now; arrays made from it then show other patches."""
        loader, self._loader = self._loader, None
        if loader is not None:
            abi.call("sslp_loader_release", loader, c.byref(self._lent))

    def upload(self, stream: Any = None) -> None:
        """Copies the pixels to the device, in the order of stream; __cuda_array_interface__ is then there. The batch is held by the host's
        code until it has enqueued what reads them, and then given back: release() waits for the copy alone."""
        abi.call("sslp_loader_upload", self._held()._loader, c.byref(self._lent), on_device_stream(stream))
        self._stream = on_device_stream(stream).value

    @property
    def __cuda_array_interface__(self) -> Dict[str, Any]:
        """uint8 [B, P, P, 3] on the device; not to be written."""
        if not self._held()._lent.device_pixels:
            raise AttributeError("The batch is not on a device: upload() it.")
        # 0 is no stream there: 1 is the legacy default one.
        return {"version": 3, "shape": self._shape, "typestr": "|u1", "data": (self._lent.device_pixels, True), "stream": self._stream or 1}

    def __dlpack_device__(self) -> Tuple[int, int]:
        loader = self._held()._loader
        if self._lent.device_pixels:
            return _CUDA, loader._context.device
        return _CPU if loader.device is None else (_CUDA, loader.device)

    def __dlpack__(self, stream: Optional[int] = None, **_: Any) -> Any:
        """Hands the batch on: torch.from_dlpack(batch) is a tensor of the same memory, whose end gives the batch back. On a device the
        tensor is good in the order of stream, the consumer's."""
        if self.__dlpack_device__()[0] == _CUDA:
            # By DLPack None is the legacy default stream, and -1 asks for no order: a stream has to be waited for all the same. A batch
            # that is there already is so in the order of one stream, and the library refuses another.
            self.upload(None if stream in (None, -1) else stream)
        tensor = c.c_void_p()
        abi.call("sslp_loader_dlpack", self._held()._loader, c.byref(self._lent), c.byref(tensor))
        self._loader = None
        return _new_capsule(tensor, _NAME, c.cast(_forget, c.c_void_p))

    def _held(self) -> "Batch":
        if self._loader is None:
            raise abi.SslpError(abi.HANDLE, "The batch was given back, or handed on by DLPack, before this use.")
        return self

    def __enter__(self) -> "Batch":
        return self

    def __exit__(self, *_: Any) -> None:
        self.release()

    def __del__(self) -> None:
        try:
            self.release()
        except Exception:  # The loader was closed first: its memory stays until the process ends.
            pass


class Loader(abi.Handle):
    """Patches in the order of training, read and decoded ahead by the library's threads.

    batch_size B; slots: batches in memory; threads: 0 takes the context's; run_length: neighbours that stay together (0: what the source is
    cheapest at, 1: a full permutation); window_runs: runs that are mixed; balance_slides: every slide gives as many patches an epoch;
    on_device: tensors of its batches are on the CUDA device of a context with kernels="cuda".
    """

    def __init__(self, patches: Patches, batch_size: int = 64, seed: int = 0, slots: int = 4, threads: int = 0, run_length: int = 0,
                 window_runs: int = 256, balance_slides: bool = False, on_device: bool = False) -> None:
        if on_device and patches.context.device is None:
            raise ValueError("on_device is for a context with kernels=\"cuda\".")
        self.device: Optional[int] = patches.context.device if on_device else None
        options = abi.initial("sslp_loader_options_init", abi.LoaderOptions())
        options.batch_size, options.seed, options.slots, options.threads = batch_size, seed, slots, threads
        options.run_length, options.window_runs, options.balance_slides = run_length, window_runs, balance_slides
        super().__init__(abi.opened("sslp_loader_open", patches, c.byref(options)), patches)
        self._context = patches.context
        info = self._info()
        self.batch_size: int = info.batch_size
        self.batches_per_epoch: int = info.batches_per_epoch

    def epoch(self, number: int, first_batch: int = 0) -> Iterator[Batch]:
        """The batches of an epoch; keep at most slots - 1 of them at a time."""
        abi.call("sslp_loader_start", self, c.c_int32(number), c.c_int32(first_batch))
        while True:
            lent = abi.Batch()
            if abi.call("sslp_loader_next", self, c.byref(lent)) == abi.END:
                return
            yield Batch(self, lent)

    @property
    def replaced(self) -> int:
        """Patches so far that did not read and were replaced by others of their slide."""
        return self._info().replaced

    @property
    def is_full(self) -> bool:
        """Every slot is lent: the next batch would be refused."""
        info = self._info()
        return info.lent >= info.slots

    @property
    def faults(self) -> List[Dict[str, Any]]:
        """Slides with patches that did not read."""
        return [json.loads(line) for line in self._context._text("sslp_loader_faults", self).splitlines()]

    def cancel(self) -> None:
        """Ends a wait for a batch in another thread."""
        abi.call("sslp_cancel", self)

    def _info(self) -> Any:
        return abi.fill("sslp_loader_info_of", self, abi.LoaderInfo())
