"""sslp.h through ctypes: the library found and loaded, its structs, its statuses as exceptions."""

import ctypes as c
import os
import weakref
from pathlib import Path
from typing import Any, Optional

ABI_VERSION = 2

OK, END = 0, 1
USAGE, INPUT, DATA, DEVICE, SPACE, DIVERGED, STOPPED, INTERNAL, HANDLE, BUSY, VERSION, SIZE, CALLBACK = range(-1, -14, -1)


class SslpError(Exception):
    """A fault of the library: one sentence; status is its number in sslp.h, detail is for a bug report."""

    def __init__(self, status: int, sentence: str, detail: str = "") -> None:
        super().__init__(sentence)
        self.status = status
        self.detail = detail


class _Sized(c.Structure):
    """A struct that begins with its size."""

    def __init__(self, **fields: Any) -> None:
        super().__init__(**fields)
        self.size = c.sizeof(self)


LogFunction = c.CFUNCTYPE(None, c.c_void_p, c.c_int32, c.c_char_p)
ProgressFunction = c.CFUNCTYPE(c.c_int32, c.c_void_p, c.c_int64, c.c_int64, c.c_char_p)


def _struct(name: str, fields: str, **types: Any) -> Any:
    """A struct by its fields in the header's order: "i" int32, "l" int64, "L" uint64, "d" double, "p" pointer, "s" text."""
    kinds = {"i": c.c_int32, "l": c.c_int64, "L": c.c_uint64, "d": c.c_double, "p": c.c_void_p, "s": c.c_char_p}
    listed = [("size", c.c_uint32)]
    for field in fields.split():
        kind, field_name = field.split(":")
        listed.append((field_name, types[field_name] if field_name in types else kinds[kind]))
    return type(name, (_Sized,), {"_fields_": listed})


Fault = _struct("Fault", "i:status s:sentence s:detail")
ContextOptions = _struct("ContextOptions", "i:abi_version i:threads i:kernels l:tile_cache_bytes s:libtorch p:log p:log_user p:allocate "
                         "p:release p:memory_user p:parallel_for p:parallel_user i:device i:scores", log=LogFunction)
SlideInfo = _struct("SlideInfo", "i:levels l:width l:height d:mpp_x d:mpp_y i:reader i:notes s:format")
LevelInfo = _struct("LevelInfo", "i:tile_width i:tile_height i:reserved l:width l:height d:downsample")
TileOptions = _struct("TileOptions", "i:patch d:mpp d:min_tissue d:assume_mpp i:upsample i:tissue p:progress p:progress_user",
                      progress=ProgressFunction)
PatchesInfo = _struct("PatchesInfo", "i:count i:patch_size i:slides i:slides_left_out i:has_coordinates d:mpp")
LoaderOptions = _struct("LoaderOptions", "i:batch_size i:slots i:threads L:seed i:run_length i:window_runs i:balance_slides i:reserved")
LoaderInfo = _struct("LoaderInfo", "i:batch_size i:batches_per_epoch i:patch_size i:slots i:lent l:replaced")
Batch = _struct("Batch", "i:index i:count i:patch_size p:pixels p:patches l:token p:device_pixels")
BankInfo = _struct("BankInfo", "i:rows i:width i:reserved l:bytes")
StepOptions = _struct("StepOptions", "i:spatial_sample d:temperature d:radius_patches d:pool_share i:auxiliary_anchors i:nearest_keys "
                      "i:negatives i:sampling i:detach_negatives i:reserved")
StepCall = _struct("StepCall", "i:reserved L:seed l:step d:self_weight d:intra_weight d:inter_weight")
StepResult = _struct("StepResult", "i:again d:loss d:self d:intra d:inter d:spatial_size d:feature_size d:negative_size "
                     "d:other_slide_share")
TrainerInfo = _struct("TrainerInfo", "i:batch_size i:steps_done i:total_steps i:steps_per_epoch i:resumed")
Metrics = _struct("Metrics", "i:step i:total_steps i:reserved d:epoch d:loss d:self d:intra d:inter d:gradient_norm d:ramp d:learning_rate "
                  "d:patches_per_second d:data_wait d:spatial_size d:feature_size d:negative_size l:replaced_patches")
EncoderInfo = _struct("EncoderInfo", "i:width i:input_size i:patch_size d:mpp")


def _has_avx512() -> bool:
    """What glibc's loader asks of a processor for libraries in glibc-hwcaps/x86-64-v4; a library named by its path is not chosen by it."""
    try:
        with open("/proc/cpuinfo", encoding="ascii") as lines:
            flags = next((line for line in lines if line.startswith("flags")), "").split()
    except OSError:
        return False
    return {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"} <= set(flags)


def _find() -> Path:
    named = os.environ.get("SSLP_LIBRARY")
    if named:
        return Path(named)
    here = Path(__file__).resolve().parent
    folders = [here / "lib", here.parents[2] / "artifacts" / "native" / "lib"]
    for folder in folders:
        for name in ("libsslp.so", "libsslp-data.so", "libsslp.dylib", "libsslp-data.dylib", "libsslp.dll", "libsslp-data.dll"):
            if (folder / name).exists():
                wide = folder / "glibc-hwcaps" / "x86-64-v4" / name
                return wide if wide.exists() and _has_avx512() else folder / name
    raise ImportError(f"No libsslp or libsslp-data in {' or '.join(map(str, folders))}: build.ps1 native makes them, or name the file in "
                      "SSLP_LIBRARY.")


_library: Optional[c.CDLL] = None


def library() -> c.CDLL:
    """The library, loaded once; what is loaded stays."""
    global _library
    if _library is None:
        path = _find()
        loaded = c.CDLL(str(path))
        version = loaded.sslp_abi_version()
        if version != ABI_VERSION:
            raise ImportError(f"{path} has version {version} of sslp.h, and this package is of version {ABI_VERSION}.")
        _library = loaded
    return _library


def call(name: str, *arguments: Any) -> int:
    """Calls a function of sslp.h; a fault is raised with the library's sentence."""
    own = library()
    try:
        function = getattr(own, name)
    except AttributeError:
        raise SslpError(DEVICE, f"{name} is in libsslp only, and libsslp-data is loaded: name libsslp in SSLP_LIBRARY.") from None
    function.restype = c.c_int32
    status = function(*arguments)
    if status < 0:
        fault = Fault()
        own.sslp_last_fault(c.byref(fault))
        raise SslpError(status, (fault.sentence or b"no sentence").decode(), (fault.detail or b"").decode())
    return status


class Handle:
    """What a handle stands for; it keeps what it was opened from, closes once, and may be used in a with statement."""

    def __init__(self, value: int, *parents: Any) -> None:
        self._value: Optional[int] = value
        self._parents = parents
        self._children: "weakref.WeakSet[Handle]" = weakref.WeakSet()
        for parent in parents:
            parent._children.add(self)

    @property
    def _as_parameter_(self) -> c.c_void_p:
        # A closed one is null: the library says so.
        return c.c_void_p(self._value)

    def close(self) -> None:
        """Closes it, and before it what was opened from it. A second time does nothing."""
        for child in list(self._children):
            child.close()
        value, self._value = self._value, None
        if value:
            try:
                call("sslp_close", c.c_void_p(value))
            except SslpError:
                self._value = value
                raise

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def __del__(self) -> None:
        try:
            self.close()
        except Exception:  # The interpreter is ending, or something opened from it outlives it: the process frees both.
            pass


def opened(name: str, *arguments: Any) -> int:
    """A function whose last argument gives out a handle."""
    value = c.c_void_p()
    call(name, *arguments, c.byref(value))
    return value.value or 0


def fill(name: str, handle: Any, struct: Any) -> Any:
    """A function that fills a struct."""
    call(name, handle, c.byref(struct))
    return struct


def initial(name: str, struct: Any) -> Any:
    """A struct of options with the library's defaults."""
    call(name, c.byref(struct), c.c_uint32(c.sizeof(struct)))
    return struct
