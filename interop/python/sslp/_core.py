"""Contexts, slides and patches."""

import ctypes as c
import json
from typing import Any, Callable, Dict, List, Optional, Tuple, Union

import numpy as np

from . import _abi as abi
from ._arrays import pointer, written

TISSUE = {"auto": 0, "stain": 1, "density": 2, "all": 3}
READER = {"auto": 0, "openslide": 1, "embedded": 2}
KERNELS = {"cpu": 0, "reference": 1, "cuda": 2}
SCORES = {"fp32": 0, "bf16": 1}


def _choice(table: Dict[str, int], name: str, what: str) -> int:
    if name not in table:
        raise ValueError(f"{what} is '{name}'; it takes {', '.join(table)}.")
    return table[name]


class Context(abi.Handle):
    """What is opened first: threads, kernels, slide caches, the log. Several know nothing of each other.

    log: told each warning (a slide left out, patches that did not read) as a sentence; None prints it to standard error.
    device, scores: of kernels="cuda", the number of the device and fp32 or bf16; banks and steps then take arrays in its memory.
    libtorch: for training, the lib folder of a torch; None takes the one beside the library.
    """

    def __init__(self, threads: int = 0, kernels: str = "cpu", libtorch: Optional[str] = None,
                 log: Optional[Callable[[str], None]] = None, device: int = 0, scores: str = "fp32") -> None:
        options = abi.initial("sslp_context_options_init", abi.ContextOptions())
        options.threads, options.kernels = threads, _choice(KERNELS, kernels, "kernels")
        options.device, options.scores = device, _choice(SCORES, scores, "scores")
        options.libtorch = libtorch.encode() if libtorch else None
        tell = log or _warn
        self._log = abi.LogFunction(lambda user, level, sentence: tell(sentence.decode()))
        options.log = self._log
        super().__init__(abi.opened("sslp_context_open", c.byref(options)))
        self.device: Optional[int] = device if kernels == "cuda" else None

    def describe(self) -> str:
        """One line: kernels, vector width, threads, decoders."""
        return self._text("sslp_describe", self)

    def audit(self, slides: str, deep: bool = False, **tiling: Any) -> List[Dict[str, Any]]:
        """A verdict a slide; slides: a file, a folder, a pattern, or a text file that lists such. deep decodes every tile."""
        options = _tile_options(tiling) if tiling else None
        lines = self._text("sslp_audit", self, slides.encode(), c.byref(options) if options else None, c.c_int32(deep))
        return [json.loads(line) for line in lines.splitlines()]

    def slide(self, path: str, reader: str = "auto") -> "Slide":
        return Slide(self, path, reader)

    def tile(self, slides: str, **tiling: Any) -> "Patches":
        """Tissue and patch grid of slides: patch=256, mpp=0.5, min_tissue=0.5, assume_mpp=None, upsample=False, tissue="auto",
        progress=f(done, total, sentence), which ends the work by raising or returning other than None and 0."""
        failed: List[BaseException] = []
        options = _tile_options(tiling, failed)
        try:
            return Patches(abi.opened("sslp_tile", self, slides.encode(), c.byref(options)), self)
        except abi.SslpError:
            if failed:
                raise failed[0]
            raise

    def manifest(self, path: str, slides_folder: Optional[str] = None) -> "Patches":
        """Patches of a manifest that sslp tile or Patches.save wrote."""
        folder = slides_folder.encode() if slides_folder else None
        return Patches(abi.opened("sslp_patches_open_manifest", self, path.encode(), folder), self)

    def patch_folder(self, folder: str, needs_coordinates: bool = True, mpp: Optional[float] = None) -> "Patches":
        """Images that are cut already."""
        return Patches(
            abi.opened("sslp_patches_open_folder", self, folder.encode(), c.c_int32(needs_coordinates), c.c_double(mpp or 0)), self)

    def cancel(self) -> None:
        """Ends tiling and audits that run in other threads."""
        abi.call("sslp_cancel", self)

    def _text(self, name: str, *arguments: Any) -> str:
        text = c.c_char_p()
        abi.call(name, *arguments, c.byref(text))
        try:
            return (text.value or b"").decode()
        finally:
            abi.call("sslp_text_free", self, text)


def _warn(sentence: str) -> None:
    import sys
    print(f"warning: {sentence}", file=sys.stderr)


def _tile_options(tiling: Dict[str, Any], failed: Optional[List[BaseException]] = None) -> Any:
    options = abi.initial("sslp_tile_options_init", abi.TileOptions())
    for key, value in tiling.items():
        if key == "tissue":
            options.tissue = _choice(TISSUE, value, "tissue")
        elif key == "progress":
            options.progress = abi.ProgressFunction(_progress(value, failed if failed is not None else []))
        elif key in ("patch", "mpp", "min_tissue", "assume_mpp", "upsample"):
            setattr(options, key, value or 0)
        else:
            raise TypeError(f"'{key}' is no option of tiling: patch, mpp, min_tissue, assume_mpp, upsample, tissue and progress are.")
    return options


def _progress(told: Callable[[int, int, str], Any], failed: List[BaseException]) -> Callable[..., int]:
    def report(user: Any, done: int, total: int, sentence: bytes) -> int:
        try:
            return int(told(done, total, sentence.decode()) or 0)
        except BaseException as fault:  # It must not run through the library; it is raised where the call was made.
            failed.append(fault)
            return 1
    return report


class Slide(abi.Handle):
    """An open slide; any number of threads may read it."""

    def __init__(self, context: Context, path: str, reader: str = "auto") -> None:
        super().__init__(abi.opened("sslp_slide_open", context, path.encode(), c.c_int32(_choice(READER, reader, "reader"))), context)
        info = abi.fill("sslp_slide_info_of", self, abi.SlideInfo())
        self.size: Tuple[int, int] = (info.width, info.height)
        self.format: str = info.format.decode()
        self.mpp: Optional[Tuple[float, float]] = (info.mpp_x, info.mpp_y) if info.mpp_x else None
        self._notes = info.notes
        levels = []
        for level in range(info.levels):
            one = abi.LevelInfo()
            abi.call("sslp_slide_level", self, c.c_int32(level), c.byref(one))
            levels.append((one.width, one.height, one.downsample))
        self.levels: List[Tuple[int, int, float]] = levels

    @property
    def notes(self) -> List[str]:
        """What a person should know of the slide."""
        said = []
        for index in range(self._notes):
            note = c.c_char_p()
            abi.call("sslp_slide_note", self, c.c_int32(index), c.byref(note))
            said.append((note.value or b"").decode())
        return said

    def read(self, level: int, x: int, y: int, width: int, height: int, out: Optional[np.ndarray] = None) -> np.ndarray:
        """uint8 [height, width, 3]; x and y in pixels of the level. Outside of the level is white."""
        rgb = np.empty((height, width, 3), np.uint8) if out is None else written(out, np.uint8, (height, width, 3))
        abi.call("sslp_slide_read", self, c.c_int32(level), c.c_int64(x), c.c_int64(y), c.c_int32(width), c.c_int32(height), pointer(rgb),
                 c.c_int64(rgb.nbytes))
        return rgb


class Patches(abi.Handle):
    """Patches that can be read by their number, whatever they come from."""

    def __init__(self, value: int, context: Context) -> None:
        super().__init__(value, context)
        self.context = context
        info = abi.fill("sslp_patches_info_of", self, abi.PatchesInfo())
        self.patch_size: int = info.patch_size
        self.slides_left_out: int = info.slides_left_out
        self.has_coordinates: bool = bool(info.has_coordinates)
        self.mpp: Optional[float] = info.mpp or None
        self._count, self._slides = info.count, info.slides

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, patch: int) -> np.ndarray:
        if not 0 <= patch < self._count:
            raise IndexError(f"Patch {patch} is none of the {self._count}.")
        return self.read(patch)

    def read(self, patch: int, out: Optional[np.ndarray] = None) -> np.ndarray:
        """uint8 [P, P, 3]."""
        shape = (self.patch_size, self.patch_size, 3)
        rgb = np.empty(shape, np.uint8) if out is None else written(out, np.uint8, shape)
        abi.call("sslp_patches_read", self, c.c_int32(patch), pointer(rgb), c.c_int64(rgb.nbytes))
        return rgb

    def places(self) -> Tuple[np.ndarray, np.ndarray, np.ndarray]:
        """slide, col and row of every patch, int32 [N]."""
        slide, col, row = (np.empty(self._count, np.int32) for _ in range(3))
        abi.call("sslp_patches_places", self, pointer(slide), pointer(col), pointer(row), c.c_int64(self._count))
        return slide, col, row

    @property
    def slide_names(self) -> List[str]:
        names = []
        for slide in range(self._slides):
            name = c.c_char_p()
            abi.call("sslp_patches_slide_name", self, c.c_int32(slide), c.byref(name))
            names.append((name.value or b"").decode())
        return names

    def save(self, manifest: str) -> None:
        """Writes the manifest of patches of slides."""
        abi.call("sslp_patches_save", self, manifest.encode())


Progress = Union[None, Callable[[int, int, str], Any]]
