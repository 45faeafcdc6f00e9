"""The memory bank, spatial neighbours and the three-term step, on NumPy's arrays and on arrays in the memory of a CUDA device."""

import ctypes as c
from typing import Any, Optional, Sequence, Tuple

import numpy as np

from . import _abi as abi
from ._arrays import device_pointer, on_device, on_device_stream, packed, pointer, rows_on_device, written
from ._core import Context

SAMPLING = {"semihard": 0, "random": 1, "hardest": 2}


class Bank(abi.Handle):
    """N unit rows of D floats, in random directions at first. One thread at a time."""

    def __init__(self, context: Context, rows: int, width: int, seed: int = 0) -> None:
        super().__init__(abi.opened("sslp_bank_create", context, c.c_int32(rows), c.c_int32(width), c.c_uint64(seed)), context)
        self.rows, self.width = rows, width

    @property
    def bytes(self) -> int:
        return abi.fill("sslp_bank_info_of", self, abi.BankInfo()).bytes

    def load(self, first_row: int, values: Any) -> None:
        """Replaces rows first_row and on by values [rows, D], to the bit."""
        taken = packed(values, np.float32, self.width)
        abi.call("sslp_bank_load", self, c.c_int32(first_row), pointer(taken), c.c_int32(len(taken)))

    def save(self, first_row: int = 0, rows: Optional[int] = None, out: Optional[np.ndarray] = None) -> np.ndarray:
        """A copy of rows, float32 [rows, D]."""
        count = self.rows - first_row if rows is None else rows
        values = np.empty((count, self.width), np.float32) if out is None else written(out, np.float32, (count, self.width))
        abi.call("sslp_bank_save", self, c.c_int32(first_row), pointer(values), c.c_int32(count))
        return values

    def update(self, rows: Any, features: Any, momentum: float = 0.5, stream: Any = None) -> None:
        """v <- unit((1 - momentum) v + momentum f) for each of rows. Features on a CUDA device are taken there, in the order of stream, and
        not waited for."""
        which = packed(rows, np.int32)
        if on_device(features):
            abi.call("sslp_bank_update_on_device", self, pointer(which), device_pointer(features, np.float32, (len(which), self.width)),
                     c.c_int32(len(which)), c.c_float(momentum), on_device_stream(stream))
            return
        values = packed(features, np.float32, self.width)
        if len(which) != len(values):
            raise ValueError(f"{len(which)} rows and {len(values)} features.")
        abi.call("sslp_bank_update", self, pointer(which), pointer(values), c.c_int32(len(which)), c.c_float(momentum))

    def search(self, queries: Any, k: int, own_rows: Any = None,
               out: Optional[Tuple[np.ndarray, np.ndarray]] = None) -> Tuple[np.ndarray, np.ndarray]:
        """The k rows of largest inner product with each query, best first: rows int32 and similarities float32 [B, k]."""
        asked = packed(queries, np.float32, self.width)
        own = None if own_rows is None else packed(own_rows, np.int32)
        if own is not None and own.shape != (len(asked),):
            raise ValueError(f"{own.shape} own rows for {len(asked)} queries.")
        shape = (len(asked), max(0, k))
        rows = np.empty(shape, np.int32) if out is None else written(out[0], np.int32, shape)
        similarities = np.empty(shape, np.float32) if out is None else written(out[1], np.float32, shape)
        abi.call("sslp_bank_search", self, pointer(asked), c.c_int32(len(asked)), None if own is None else pointer(own), c.c_int32(k),
                 pointer(rows), pointer(similarities))
        return rows, similarities

    def search_on_device(self, queries: Any, k: int, out: Tuple[Any, Any], own_rows: Any = None, stream: Any = None) -> None:
        """The same on a CUDA device, in the order of stream: queries float32 [B, D], and out, the rows int32 and the similarities float32
        [B, k], which are written there."""
        count = rows_on_device(queries)
        own = None if own_rows is None else packed(own_rows, np.int32)
        if own is not None and own.shape != (count,):
            raise ValueError(f"{own.shape} own rows for {count} queries.")
        abi.call("sslp_bank_search_on_device", self, device_pointer(queries, np.float32, (count, self.width)), c.c_int32(count),
                 None if own is None else pointer(own), c.c_int32(k), device_pointer(out[0], np.int32, (count, k), write=True),
                 device_pointer(out[1], np.float32, (count, k), write=True), on_device_stream(stream))

    def cluster(self, clusters: int, iterations: int = 20, seeds: Sequence[int] = (1234,)) -> np.ndarray:
        """k-means of the rows once for each seed: labels int32 [seeds, N]."""
        drawn = packed(list(seeds), np.uint64)
        labels = np.empty((len(drawn), self.rows), np.int32)
        abi.call("sslp_bank_cluster", self, c.c_int32(clusters), c.c_int32(iterations), pointer(drawn), c.c_int32(len(drawn)),
                 pointer(labels))
        return labels


class Spatial(abi.Handle):
    """Who lies near whom: entry i is the place of bank row i."""

    def __init__(self, context: Context, slide: Any, col: Any, row: Any) -> None:
        columns = [packed(column, np.int32) for column in (slide, col, row)]
        if len({column.shape for column in columns}) != 1:
            raise ValueError("slide, col and row differ in length.")
        super().__init__(
            abi.opened("sslp_spatial_open", context, *(pointer(column) for column in columns), c.c_int32(len(columns[0]))), context)

    def query(self, anchors: Any, radius: float) -> Tuple[np.ndarray, np.ndarray]:
        """Rows nearer than radius patches on the same slide: rows[starts[a]:starts[a + 1]] are anchor a's."""
        which = packed(anchors, np.int32)
        starts, rows, needed = np.empty(len(which) + 1, np.int64), np.empty(64 * max(1, len(which)), np.int32), c.c_int64()
        while True:
            try:
                abi.call("sslp_spatial_query", self, pointer(which), c.c_int32(len(which)), c.c_double(radius), pointer(starts),
                         pointer(rows), c.c_int64(len(rows)), c.byref(needed))
                return starts, rows[:needed.value].copy()
            except abi.SslpError as fault:
                if fault.status != abi.SIZE or needed.value <= len(rows):
                    raise
                rows = np.empty(needed.value, np.int32)


class StepResult:
    """What a step reports: loss and terms as means over the batch, mean sizes of the sets. again: finish() did the step once more, and the
    gradient was written anew."""

    def __init__(self, given: Any) -> None:
        self.again = bool(given.again)
        self.loss, self.self_term, self.intra, self.inter = given.loss, given.self, given.intra, given.inter
        self.spatial_size, self.feature_size, self.negative_size = given.spatial_size, given.feature_size, given.negative_size
        self.other_slide_share = given.other_slide_share


class ThreeTermStep(abi.Handle):
    """Loss and gradient of the method's three terms, in one pass and with no B x N array."""

    def __init__(self, bank: Bank, spatial: Spatial, temperature: float = 0.07, radius: float = 3, auxiliary_anchors: int = 1,
                 nearest_keys: int = 4096, negatives: int = 4096, pool_share: float = 0.2, sampling: str = "semihard",
                 spatial_sample: int = 0, detach_negatives: bool = False) -> None:
        if sampling not in SAMPLING:
            raise ValueError(f"sampling is '{sampling}'; it takes {', '.join(SAMPLING)}.")
        options = abi.initial("sslp_step_options_init", abi.StepOptions())
        options.temperature, options.radius_patches, options.auxiliary_anchors = temperature, radius, auxiliary_anchors
        options.nearest_keys, options.negatives, options.pool_share = nearest_keys, negatives, pool_share
        options.sampling, options.spatial_sample, options.detach_negatives = SAMPLING[sampling], spatial_sample, detach_negatives
        super().__init__(abi.opened("sslp_step_open", bank, spatial, c.byref(options)), bank, spatial)
        self._bank = bank
        # Arrays of the step that is under way: they stay until it is finished.
        self._under_way: Optional[Tuple[Any, Any]] = None

    def set_clusters(self, labels: Any) -> None:
        """labels [runs, N]: rows are of one cluster where all runs agree."""
        taken = packed(labels, np.int32, self._bank.rows)
        abi.call("sslp_step_set_clusters", self, pointer(taken), c.c_int32(len(taken)))

    def run(self, anchors: Any, features: Any, step: int, seed: int = 0, weights: Tuple[float, float, float] = (1, 1, 1),
            out: Optional[np.ndarray] = None) -> Tuple[StepResult, np.ndarray]:
        """The result and dL/df, float32 [B, D], of unit features [B, D] of the anchors."""
        which, taken = packed(anchors, np.int32), packed(features, np.float32, self._bank.width)
        if len(which) != len(taken):
            raise ValueError(f"{len(which)} anchors and {len(taken)} features.")
        gradient = np.empty_like(taken) if out is None else written(out, np.float32, taken.shape)
        asked = _call(step, seed, weights)
        result = abi.StepResult()
        abi.call("sslp_step_run", self, pointer(which), pointer(taken), c.c_int32(len(which)), c.byref(asked), pointer(gradient),
                 c.byref(result))
        return StepResult(result), gradient

    def enqueue(self, anchors: Any, features: Any, gradient: Any, step: int, seed: int = 0,
                weights: Tuple[float, float, float] = (1, 1, 1), stream: Any = None) -> None:
        """The same on a CUDA device, begun: features and gradient float32 [B, D] lie there, and the work is in the order of stream. Nothing
        is waited for; before the next one, and before the bank is written, call finish()."""
        which = packed(anchors, np.int32)
        shape = (len(which), self._bank.width)
        taken, put = device_pointer(features, np.float32, shape), device_pointer(gradient, np.float32, shape, write=True)
        asked = _call(step, seed, weights)
        abi.call("sslp_step_enqueue", self, pointer(which), taken, c.c_int32(len(which)), c.byref(asked), put, on_device_stream(stream))
        self._under_way = (features, gradient)

    def finish(self) -> StepResult:
        """Waits for the step that was enqueued, not for what its stream has behind it. Where again is true the gradient has been written
        anew, and what was computed from it before is wrong."""
        result = abi.StepResult()
        abi.call("sslp_step_finish", self, c.byref(result))
        self._under_way = None
        return StepResult(result)


def _call(step: int, seed: int, weights: Tuple[float, float, float]) -> Any:
    return abi.StepCall(seed=seed, step=step, self_weight=weights[0], intra_weight=weights[1], inter_weight=weights[2])
