"""NumPy arrays as the library's buffers: a copy is made only where an array is not packed or of another type."""

import ctypes as c
from typing import Any, Tuple

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
