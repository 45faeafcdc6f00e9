"""NumPy arrays as the library's buffers: a copy is made only where an array is not packed or of another type. Arrays on a CUDA device
(torch's, CuPy's, Numba's: all with __cuda_array_interface__) are taken as they are or refused."""

import ctypes as c
from typing import Any, Optional, Tuple

import numpy as np


def packed(array: Any, dtype: Any, width: int = 0) -> np.ndarray:
    """An array to read from: C order; two dimensions of this width where one is given."""
    taken = np.ascontiguousarray(array, dtype=dtype)
    if width and (taken.ndim != 2 or taken.shape[1] != width):
        raise ValueError(f"The array is of shape {taken.shape}; (rows, {width}) is wanted.")
    return taken


def written(array: np.ndarray, dtype: Any, shape: Tuple[int, ...]) -> np.ndarray:
    """An array to write to: the caller's own memory, so it must fit as it is."""
    if array.dtype != dtype or array.shape != shape or not array.flags.c_contiguous or not array.flags.writeable:
        raise ValueError(f"The array to write is {array.dtype}{array.shape}; a writable, packed {np.dtype(dtype)}{shape} is wanted.")
    return array


def pointer(array: np.ndarray) -> c.c_void_p:
    return c.c_void_p(array.ctypes.data)


class Lent:
    """Memory of the library as NumPy sees it; the array made from it keeps the owner alive."""

    def __init__(self, owner: Any, address: int, shape: Tuple[int, ...], dtype: str) -> None:
        self._owner = owner
        self.__array_interface__ = {"version": 3, "data": (address, True), "shape": shape, "typestr": dtype}

    def array(self) -> np.ndarray:
        return np.asarray(self)


def on_device(array: Any) -> bool:
    """Whether an array lies on a CUDA device."""
    # torch gives an AttributeError for a tensor on the CPU, and hasattr is then False.
    return hasattr(array, "__cuda_array_interface__")


def rows_on_device(array: Any) -> int:
    """How many rows an array on a device has."""
    if not on_device(array):
        raise TypeError(f"{type(array).__name__} is no array on a CUDA device: it has no __cuda_array_interface__.")
    return int(array.__cuda_array_interface__["shape"][0])


def device_pointer(array: Any, dtype: Any, shape: Tuple[int, ...], write: bool = False) -> c.c_void_p:
    """Address of an array on a device: packed, of this type and shape. That it is the right device the library looks up."""
    rows_on_device(array)  # that it is one
    given = array.__cuda_array_interface__
    strides: Optional[Tuple[int, ...]] = given.get("strides")
    packed_strides = tuple(int(np.prod(shape[d + 1:], dtype=np.int64)) * np.dtype(dtype).itemsize for d in range(len(shape)))
    is_packed = strides is None or int(np.prod(shape)) == 0 or tuple(strides) == packed_strides
    if np.dtype(given["typestr"]) != dtype or tuple(given["shape"]) != shape or not is_packed:
        raise ValueError(f"The array on the device is {given['typestr']}{tuple(given['shape'])}, strides {strides}; a packed "
                         f"{np.dtype(dtype)}{shape} is wanted.")
    address, read_only = given["data"]
    if write and read_only:
        raise ValueError("The array on the device is read-only, and it is to be written.")
    return c.c_void_p(address)


def on_device_stream(stream: Any) -> c.c_void_p:
    """A CUstream: an address, or what carries one (torch.cuda.Stream, cupy.cuda.Stream); None: the legacy default stream."""
    for name in ("cuda_stream", "ptr"):
        stream = getattr(stream, name, stream)
    return c.c_void_p(stream)
