"""Files of the kinds that other programs give us, in every shape that their writers can make: HDF5 coordinates by h5py, lists by hand,
folders of patches.

    python3 variants.py OUT [hdf5|lists|folders ...]

writes a folder for each variant and OUT/variants.json: what was made, and what is right. A variant is right if it gives just these places
(or patches), or if it is refused in a sentence that has these words; both where a reader may do either. What a reader may never do is give
other places. Nothing here is random: a fault is found again by its name.
"""
import csv, io, itertools, json, os, struct, sys, zlib

OUT = sys.argv[1]
KINDS = sys.argv[2:] or ["hdf5", "lists", "folders"]
made = []


def variant(kind, name, **right):
    """right: places | refused (words of the sentence) | either; note (words of a note or of what is said to be left out)."""
    folder = os.path.join(OUT, kind, name)
    os.makedirs(folder)
    assert not any(v["kind"] == kind and v["name"] == name for v in made), name
    made.append(dict(kind=kind, name=name, **right))
    return folder


# ---- HDF5 coordinates: one file of 16 places, 256 px wide, on one slide
def hdf5():
    import h5py
    import numpy as np

    def cut(f):
        d = f.create_dataset("coords", data=np.vstack([xy, xy + 5]), maxshape=(None, 2), chunks=(4, 2))
        d.resize((16, 2))
        d.attrs.update(size)
    grid = [[256 + i % 4 * 256, 256 + i // 4 * 256] for i in range(16)]
    xy = np.array(grid)
    size = {"patch_size_level0": 256}
    right = dict(places=grid, size=256)

    def write(name, data=xy, attrs=size, root={}, file="S1.h5", libver=None, userblock=0, key="coords", fill=None, **kinds):
        right_ = {k: kinds.pop(k) for k in ("places", "size", "refused", "either", "note") if k in kinds} or right
        folder = variant("hdf5", name, **right_)
        path = os.path.join(folder, file)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with h5py.File(path, "w", libver=libver, userblock_size=userblock) as f:
            if fill:
                fill(f)
            else:
                d = f.create_dataset(key, data=data, **kinds)
                for k, v in attrs.items():
                    d.attrs[k] = v
            for k, v in root.items():
                f.attrs[k] = v
        return path

    for dtype in ("i2", "i4", "i8", "u2", "u4", "u8", "f4", "f8"):
        write(f"type-{dtype}", xy.astype(dtype))
    write("type-f2", xy.astype("f2"))
    for dtype in ("i1", "u1"):
        write(f"type-{dtype}", (xy // 128).astype(dtype), {"patch_size_level0": 2}, places=(xy // 128).tolist(), size=2)
    for dtype in (">i2", ">i4", ">i8", ">u4", ">f4", ">f8"):
        write(f"big-endian-{dtype[1:]}", xy.astype(dtype), refused=["big-endian"], **right)
    write("type-long-double", xy.astype("longdouble"), refused=["FloatingPoint of 16 bytes"])
    write("type-bool", (xy > 600), refused=["Enumerated"])
    write("type-complex", xy.astype("c16"), refused=["Compound"])
    write("type-compound-x-y", np.array([tuple(p) for p in grid], dtype=[("x", "i4"), ("y", "i4")]), refused=["Compound"])
    write("type-text", np.array([[str(a).encode() for a in p] for p in grid], dtype="S4"), refused=["String"])
    write("type-text-of-any-length", np.array([[str(a) for a in p] for p in grid], dtype=h5py.string_dtype()), refused=["VariableLength"])
    write("type-enum", xy.astype("i4"), dtype=h5py.enum_dtype({"A": 256}, basetype="i4"), refused=["Enumerated"])
    write("type-opaque", np.array([[b"abcd", b"efgh"]], dtype="V4"), refused=["Opaque"])
    write("type-lists-of-any-length", fill=lambda f: f.create_dataset("coords", (16,), dtype=h5py.vlen_dtype("i4")),
          refused=["coords", "N × 2"])
    write("type-array-of-two", fill=lambda f: f.create_dataset("coords", (16,), dtype=np.dtype(("i4", (2,)))), refused=["N × 2"])

    # Storage
    for chunks in ((1, 1), (3, 2), (16, 1), (5, 2), (16, 2)):
        write(f"chunks-{chunks[0]}x{chunks[1]}", chunks=chunks)
        write(f"chunks-{chunks[0]}x{chunks[1]}-gzip-shuffle", chunks=chunks, compression="gzip", shuffle=True)
    for level in (0, 1, 9):
        write(f"gzip-{level}", compression="gzip", compression_opts=level)
    write("gzip-float32", xy.astype("f4"), compression="gzip", shuffle=True)
    write("shuffle-alone", shuffle=True)
    write("fletcher32", fletcher32=True)
    write("gzip-shuffle-fletcher32", compression="gzip", shuffle=True, fletcher32=True)
    write("lzf", compression="lzf", refused=["LZF"], **right)
    write("lzf-shuffle", compression="lzf", shuffle=True, refused=["LZF"], **right)
    write("scale-offset", scaleoffset=0, refused=["filter"], **right)
    write("resizable", maxshape=(None, 2))
    write("resizable-both-ways", maxshape=(None, None))
    write("resizable-latest", maxshape=(None, 2), libver="latest")
    write("resizable-both-ways-latest", maxshape=(None, None), libver="latest")
    write("resizable-latest-gzip", maxshape=(None, 2), libver="latest", compression="gzip", chunks=(4, 2))
    write("latest", libver="latest")
    write("latest-gzip", libver="latest", compression="gzip")
    write("latest-chunks", libver="latest", chunks=(4, 2))
    write("latest-one-chunk", libver="latest", chunks=(16, 2))
    write("v108", libver=("earliest", "v108"))
    write("userblock", userblock=512)
    write("order-tracked", track_order=True)
    write("never-written", fill=lambda f: f.create_dataset("coords", (16, 2), dtype="i8").attrs.update(size), either=True,
          places=[[0, 0]], size=256, note=["twice"])
    write("never-written-filled", fill=lambda f: f.create_dataset("coords", (16, 2), dtype="i8", fillvalue=-1).attrs.update(size),
          either=True, places=[[-1, -1]], size=256, note=["twice"])

    def half(f):
        d = f.create_dataset("coords", (16, 2), dtype="i8", chunks=(8, 2))
        d[:8] = xy[:8]
        d.attrs.update(size)
    write("half-written-chunks", fill=half, places=grid[:8] + [[0, 0]], size=256, note=["twice"])

    def compact(f):
        space, plist = h5py.h5s.create_simple((16, 2)), h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        plist.set_layout(h5py.h5d.COMPACT)
        d = h5py.h5d.create(f.id, b"coords", h5py.h5t.NATIVE_INT64, space, plist)
        d.write(h5py.h5s.ALL, h5py.h5s.ALL, np.ascontiguousarray(xy))
        h5py.Dataset(d).attrs.update(size)
    write("compact", fill=compact)

    def linked(f):
        f["places"] = xy
        f["places"].attrs.update(size)
        f["coords"] = h5py.SoftLink("/places")
    write("soft-link", fill=linked)

    def hard(f):
        f["places"] = xy
        f["places"].attrs.update(size)
        f["coords"] = f["places"]
    write("hard-link", fill=hard)
    write("soft-link-to-nothing", fill=lambda f: f.__setitem__("coords", h5py.SoftLink("/nothing")), refused=["coords"])
    write("external-link-to-nothing", fill=lambda f: f.__setitem__("coords", h5py.ExternalLink("other.h5", "/coords")), refused=["coords"])

    def virtual(f):
        layout = h5py.VirtualLayout(shape=(16, 2), dtype="i8")
        layout[:] = h5py.VirtualSource("elsewhere.h5", "coords", shape=(16, 2))
        f.create_virtual_dataset("coords", layout).attrs.update(size)
    write("virtual-of-a-file-that-is-gone", fill=virtual, refused=["virtual data set"])

    def external(f):
        d = f.create_dataset("coords", (16, 2), dtype="i8", external=[("raw.bin", 0, 256)])
        d.attrs.update(size)
    write("external-raw-file-that-is-gone", fill=external, refused=["in another file"])
    write("a-group", fill=lambda f: f.create_group("coords"), refused=["no data set"])
    write("inside-a-group", key="patches/coords", refused=["no data set 'coords', but patches"])
    write("of-another-name", key="coordinates", refused=["no data set 'coords', but coordinates"])
    write("of-another-case", key="Coords", refused=["no data set 'coords', but Coords"])
    write("nothing", fill=lambda f: None, refused=["no data set 'coords', but nothing"])

    # Indices of many chunks, by every version that there is of them; attributes by the dozen; types that a file names.
    many = np.array([[i % 71 * 256, i // 71 * 256] for i in range(5000)])
    lots = dict(places=many.tolist(), size=256)
    for libver in (None, "latest"):
        tag = libver or "earliest"
        write(f"many-chunks-{tag}", many, chunks=(1, 2), libver=libver, **lots)
        write(f"many-chunks-{tag}-gzip", many, chunks=(3, 2), compression="gzip", libver=libver, **lots)
        write(f"many-chunks-{tag}-resizable", many, chunks=(1, 2), maxshape=(None, 2), libver=libver, **lots)
        write(f"many-chunks-{tag}-resizable-both-ways", many, chunks=(2, 1), maxshape=(None, None), libver=libver, **lots)
        write(f"many-chunks-{tag}-resizable-gzip", many, chunks=(2, 2), maxshape=(None, 2), compression="gzip", libver=libver, **lots)
        write(f"many-attributes-{tag}", attrs={**{f"a{i:02}": "x" * 40 for i in range(30)}, **size}, libver=libver)
        write(f"many-attributes-{tag}-on-the-file", attrs={}, root={**{f"a{i:02}": i for i in range(30)}, **size}, libver=libver)
        write(f"many-sets-{tag}", fill=lambda f: [f.create_dataset(f"s{i:03}", data=xy) for i in range(200)] and f.create_dataset(
            "coords", data=xy).attrs.update(size), libver=libver)

        def named(f):
            f["type"] = np.dtype("i8")
            d = f.create_dataset("coords", data=xy, dtype=f["type"])
            d.attrs.create("patch_size_level0", 256, dtype=f["type"])
        write(f"named-type-{tag}", fill=named, libver=libver)
    write("long-attribute", attrs={"save_path": "x" * 60000, **size})
    write("features-of-clam", attrs={}, fill=lambda f: (f.create_dataset("features", data=np.zeros((16, 4), "f4")),
          f.create_dataset("coords", data=xy)), refused=["does not say the patch's size"])
    write("chunk-larger-than-all", xy, chunks=(1000, 2), maxshape=(None, 2))
    write("grown-and-cut", fill=lambda f: cut(f))

    # Shape
    for shape in ((2, 16), (1, 32), (32, 1), (32,), (16, 2, 1), (1, 16, 2), (8, 4)):
        write("shape-" + "x".join(map(str, shape)), xy.reshape(shape), refused=["N × 2"])
    write("x-y-width-height", np.hstack([xy, np.full_like(xy, 256)]), refused=["N × 2"])
    write("index-x-y", np.hstack([np.arange(16)[:, None], xy]), refused=["N × 2"])
    write("transposed", xy.T, refused=["N × 2"])
    write("one-place", xy[:1], places=grid[:1], size=256)
    write("empty", np.zeros((0, 2), "i8"), refused=["names no place"])
    write("empty-resizable", np.zeros((0, 2), "i8"), maxshape=(None, 2), refused=["names no place"])
    write("empty-space", fill=lambda f: f.create_dataset("coords", data=h5py.Empty("i8")), refused=["N × 2"])
    write("scalar", np.int64(3), refused=["N × 2"])

    # Values
    write("doubled-row", np.vstack([xy, xy[:1]]), note=["1 of its places twice"], **right)
    write("all-doubled", np.vstack([xy, xy]), note=["16 of its places twice"], **right)
    write("all-one-place", np.vstack([xy[:1]] * 5), note=["4 of its places twice"], places=grid[:1], size=256)
    write("negative", xy - 300, places=(xy - 300).tolist(), size=256)
    write("fraction", xy + 0.5, refused=["no whole pixel"])
    write("float32-beyond-whole-numbers", (xy + 2 ** 25).astype("f4"), either=True, places=(xy + 2 ** 25).tolist(), size=256,
          refused=["coords"])
    for name, value in (("nan", np.nan), ("inf", np.inf), ("1e30", 1e30)):
        data = xy.astype("f8")
        data[3, 1] = value
        write(f"with-{name}", data, refused=["'coords' has"])
    for name, value in (("2p40", 2 ** 40), ("2p53p1", 2 ** 53 + 1), ("minus-2p62", -2 ** 62)):
        data = xy.copy()
        data[3, 1] = value
        write(f"with-{name}", data, refused=["no place on a slide"])
    data = xy.astype("u8")
    data[3, 1] = 2 ** 64 - 1
    write("with-largest-uint64", data, refused=["no place on a slide"])
    data = xy.astype("u4")
    data[3, 1] = 2 ** 32 - 200
    write("with-minus-200-as-uint32", data, refused=["no place on a slide"])

    # The patch's size
    def sized(name, attrs, root={}, **right_):
        write("size-" + name, 2 * xy if right_ == big else xy, attrs, root, **(right_ or right))
    big = dict(places=(2 * xy).tolist(), size=512)
    sized("missing", {}, refused=["does not say the patch's size"])
    sized("alone", {"patch_size": 256}, refused=["at which scale"])
    sized("at-level-0", {"patch_size": 256, "patch_level": 0})
    sized("at-level-1-alone", {"patch_size": 256, "patch_level": 1}, refused=["at which scale"])
    sized("at-level-1-downsample", {"patch_size": 256, "patch_level": 1, "downsample": 2.0}, **big)
    sized("clam", {"patch_size": 256, "patch_level": 1, "downsample": np.array([2.0, 2.0]), "downsampled_level_dim": np.array([768, 768]),
                   "level_dim": np.array([1536, 1536]), "name": "S1", "save_path": "/x"}, **big)
    sized("clam-level-0", {"patch_size": 256, "patch_level": 0, "downsample": np.array([1.0, 1.0]), "name": "S1", "save_path": "/x"})
    sized("trident", {"patch_size": 256, "patch_size_level0": 512, "level0_magnification": 40, "target_magnification": 20, "overlap": 0,
                      "name": "S1", "savetodir": "/x", "level0_width": 1536, "level0_height": 1536}, **big)
    sized("trident-on-the-file", {}, {"patch_size": 256, "patch_size_level0": 512, "level0_magnification": 40,
                                      "target_magnification": 20}, **big)
    sized("magnifications", {"patch_size": 256, "level0_magnification": 40, "target_magnification": 20}, **big)
    sized("magnifications-as-text", {"patch_size": 256, "level0_magnification": "40", "target_magnification": "20"},
          refused=["level0_magnification"])
    sized("level-downsample", {"patch_size": 256, "patch_level": 1, "level_downsample": 2.0}, refused=["at which scale"])
    for name, value in (("text", "256"), ("bytes", b"256"), ("fixed-text", np.bytes_("256")), ("text-array", np.array([b"256"]))):
        sized(name, {"patch_size_level0": value}, refused=["patch_size_level0"], **right)
    for dtype in ("i1", "u1", "i2", "u4", "f2", "f4", "f8"):
        if dtype in ("i1", "u1"):
            sized(f"{dtype}", {"patch_size_level0": np.array(100, dtype)}, places=grid, size=100)
        else:
            sized(f"{dtype}", {"patch_size_level0": np.array(256, dtype)})
    for name, value in (("array-1", [256]), ("array-2", [256, 256]), ("array-1x1", [[256]]), ("array-float", [256.0, 256.0])):
        sized(name, {"patch_size_level0": np.array(value)})
    sized("array-of-two-sizes", {"patch_size_level0": np.array([256, 128])}, refused=["256 and 128"])
    sized("big-endian", {"patch_size_level0": np.array(256, ">i8")}, refused=["big-endian"], **right)
    sized("empty-array", {"patch_size_level0": np.zeros(0, "i8")}, refused=["patch_size_level0"])
    sized("null", {"patch_size_level0": h5py.Empty("i8")}, refused=["patch_size_level0"])
    sized("bool", {"patch_size_level0": np.bool_(True)}, refused=["patch_size_level0"])
    sized("compound", {"patch_size_level0": np.array((256, 256), dtype=[("w", "i4"), ("h", "i4")])}, refused=["patch_size_level0"])
    for name, value in (("zero", 0), ("negative", -256), ("fraction-of-a-pixel", 0.0)):
        sized(name, {"patch_size_level0": value}, refused=["patch size"])
    for name, value in (("nan", np.nan), ("inf", np.inf)):
        sized(name, {"patch_size_level0": value}, refused=["patch_size_level0"])
    sized("huge", {"patch_size_level0": 2 ** 40}, refused=["patch"])
    sized("of-one-pixel-million", {"patch_size_level0": 10 ** 6}, places=grid, size=10 ** 6, note=["overlap"])
    sized("level-as-text", {"patch_size": 256, "patch_level": "0"}, refused=["patch_level"], **right)
    sized("level-as-float", {"patch_size": 256, "patch_level": 0.0})
    sized("level-as-array", {"patch_size": 256, "patch_level": np.array([0])})
    sized("level-minus-1", {"patch_size": 256, "patch_level": -1}, refused=["at which scale"])
    sized("downsample-zero", {"patch_size": 256, "downsample": 0.0}, refused=["patch size"])
    sized("downsample-of-two", {"patch_size": 256, "patch_level": 1, "downsample": np.array([2.0, 4.0])}, refused=["2 and 4"])
    # Sources that say two things.
    two = dict(refused=["two sizes"])
    sized("level-0-and-downsample-2", {"patch_size": 256, "patch_level": 0, "downsample": 2.0}, **two)
    sized("level0-512-and-level-0-256", {"patch_size": 256, "patch_level": 0, "patch_size_level0": 512}, **two)
    sized("level0-512-and-magnifications-1", {"patch_size": 256, "patch_size_level0": 512, "level0_magnification": 20,
                                             "target_magnification": 20}, **two)
    sized("set-and-file-differ", {"patch_size_level0": 256}, {"patch_size_level0": 512}, **two)
    sized("set-and-file-agree", {"patch_size_level0": 256}, {"patch_size_level0": 256})
    sized("level0-rounded", {"patch_size": 256, "patch_size_level0": 501, "level0_magnification": 40, "target_magnification": 20.4},
          places=grid, size=501, note=["overlap"])

    # Units
    write("unit-px", root={"unit": "px"})
    write("unit-mm", root={"unit": "mm", "tile_size_um": 128.0}, attrs={}, refused=["'mm'"])
    write("unit-array", root={"unit": np.array([b"px"])}, refused=["unit"], **right)
    write("unit-number", root={"unit": 3}, refused=["unit"])
    write("unit-um-without-size", root={"unit": "um"}, attrs={}, refused=["micrometres"])

    # Names
    for file in ("S1_patches.h5", "S1.hdf5", "S1.H5", "S1.tif.h5", "deep/er/S1.h5", "S1/patches.h5"):
        write("name-" + file.replace("/", "-"), file=file,
              **(dict(refused=["no slide of that name"]) if file == "S1/patches.h5" else right))
    write("name-s1-of-another-case", file="s1.h5", refused=["no slide of that name"])
    write("name-of-no-slide", file="S7.h5", refused=["S7"])
    write("name-with-blank", file="S1 .h5", refused=["no slide of that name"])
    write("name-ends-in-h5py", file="S1.h5py", refused=["holds no coordinate files"])

    # Damage
    whole = open(write("damage-none"), "rb").read()
    for name, content in (("zero-bytes", b""), ("half", whole[:len(whole) // 2]), ("head", whole[:100]), ("text", b"x,y\n1,2\n"),
                          ("html", b"<html>404</html>"), ("gzip", b"\x1f\x8b\x08" + bytes(100)),
                          ("lfs", b"version https://git-lfs.github.com/spec/v1\n"),
                          ("zeros", bytes(4096)), ("hdf4", b"\x0e\x03\x13\x01" + bytes(500))):
        folder = variant("hdf5", "damage-" + name, refused=["S1.h5"])
        open(os.path.join(folder, "S1.h5"), "wb").write(content)
    folder = variant("hdf5", "a-folder-called-h5", refused=["holds no coordinate files"])
    os.mkdir(os.path.join(folder, "S1.h5"))
    variant("hdf5", "empty-folder", refused=["holds no coordinate files"])


# ---- Lists: labelled points, patches.csv, splits
def lists():
    rows = [["S1", "384", "384", "fat"], ["S1", "640", "384", "tumour"], ["S2", "384", "640", "fat"], ["S2", "1024", "640", "tumour"]]
    header = ["slide", "x", "y", "label"]
    right = dict(places=rows)

    def text(table, delimiter=",", quoting=csv.QUOTE_MINIMAL, end="\n"):
        out = io.StringIO()
        csv.writer(out, delimiter=delimiter, quoting=quoting, lineterminator=end).writerows(table)
        return out.getvalue()

    def write(name, content, encoding="utf-8", kind="points", file="labels.csv", **right_):
        folder = variant(kind, name, **(right_ or right))
        data = content if isinstance(content, bytes) else content.encode(encoding)
        open(os.path.join(folder, file), "wb").write(data)

    table = [header] + rows
    words = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
    encodings = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"]
    for delimiter, encoding in itertools.product(words, encodings):
        write(f"{words[delimiter]}-{encoding}", text(table, delimiter), encoding)
    for delimiter, quoting in itertools.product(words, (csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC)):
        write(f"{words[delimiter]}-quoted-{quoting}", text(table, delimiter, quoting))
    for name, end in (("crlf", "\r\n"), ("cr", "\r"), ("blank-lines", "\n\n"), ("three-ends", "\r\n\r\n\n")):
        write("ends-" + name, text(table, end=end))
    write("no-last-end", text(table).rstrip("\n"))
    for encoding in ("utf-32", "utf-32-be"):
        write(encoding, "\ufeff" * (encoding != "utf-32") + text(table), encoding)
    write("utf-16-odd-byte", text(table).encode("utf-16") + b"\0", refused=["text"], either=True, places=rows)

    def numbers(name, form, delimiter=",", **right_):
        write(f"numbers-{name}", text([header] + [[s, form(x), form(y), l] for s, x, y, l in rows], delimiter), **(right_ or right))
    numbers("1.0", lambda v: v + ".0")
    numbers("exponent", lambda v: f"{int(v):e}")
    numbers("plus", lambda v: "+" + v)
    numbers("blanks", lambda v: f"  {v} ")
    numbers("leading-zeros", lambda v: "000" + v)
    numbers("excel-text", lambda v: f'="{v}"', refused=["line 2"], **right)
    numbers("apostrophe", lambda v: "'" + v, refused=["'x'", "line 2"][1:])
    numbers("hex", lambda v: hex(int(v)), refused=["line 2"])
    numbers("px", lambda v: v + "px", refused=["line 2"])
    numbers("nan", lambda v: "nan", refused=["line 2"])
    numbers("empty", lambda v: "", refused=["line 2"])
    numbers("underscore", lambda v: v[0] + "_" + v[1:], refused=["line 2"])
    numbers("arabic-digits", lambda v: "".join(chr(0x660 + int(c)) for c in v), refused=["line 2"])
    numbers("narrow-blank-thousands", lambda v: "1\u202f" + v, refused=["line 2"])
    numbers("blank-thousands", lambda v: "1 " + v, refused=["line 2"])
    numbers("minus-sign-of-typographers", lambda v: "\u2212" + v, refused=["line 2"])
    for delimiter in ";\t|":
        numbers(f"decimal-comma-{words[delimiter]}", lambda v: v + ",5", delimiter,
                places=[[s, x + ".5", y + ".5", l] for s, x, y, l in rows])
        numbers(f"decimal-comma-0-{words[delimiter]}", lambda v: v + ",0", delimiter)
    numbers("decimal-comma-comma", lambda v: v + ",5", ",", places=[[s, x + ".5", y + ".5", l] for s, x, y, l in rows], either=True,
            refused=["line 2"])
    write("decimal-comma-unquoted", "slide,x,y,label\nS1,384,5,384,5,fat\n", refused=["line 2 has 6 fields"])
    numbers("three-decimals-after-a-comma-tab", lambda v: v + ",500", "\t", refused=["read as two"])
    numbers("three-decimals-after-a-comma-bar", lambda v: v + ",500", "|", refused=["read as two"])
    numbers("thousands-in-points-semicolon", lambda v: f"1.{int(v) % 1000:03}", ";", refused=["line 2", "read as two"])
    numbers("thousands-in-points-tab", lambda v: f"{v}.500", "\t", places=[[s, x + ".5", y + ".5", l] for s, x, y, l in rows])
    numbers("thousands-in-points-and-decimal-comma", lambda v: f"1.{int(v):03},0", ";",
            places=[[s, f"1{int(x):03}" if len(x) < 4 else x, f"1{int(y):03}", l] for s, x, y, l in rows], either=True, refused=["line"])

    # What editors and other programs leave
    write("by-blanks", text(table, " "), refused=["no column 'slide'"])
    write("by-colons", text(table, ":"), refused=["no column 'slide'"])
    write("by-carets", text(table, "^"), refused=["no column 'slide'"])
    write("header-by-comma-rows-by-semicolon", text(table[:1]) + text(rows, ";"), refused=["line 2 has 1 fields"])
    write("every-line-in-quotes", "".join(f'"{line}"\n' for line in text(table).splitlines()), refused=["no column 'slide'"])
    write("two-lists-in-one", text(table + table), refused=["line 6 has x 'x'"])
    write("ctrl-z", text(table) + "\x1a", refused=["line 6"], places=rows)
    write("form-feed", text(table) + "\f\n", places=rows, refused=["line 6"])
    write("null-inside", text(table).replace("fat", "f\0t"), refused=["."],
          places=[[s, x, y, l.replace("fat", "f\0t")] for s, x, y, l in rows])
    write("long-label", text([header, rows[0][:3] + ["x" * 100000]]), places=[rows[0][:3] + ["x" * 100000]])
    write("many-columns", text([header + [f"c{i}" for i in range(3000)]] + [r + ["7"] * 3000 for r in rows]))
    write("many-empty-lines", text(table).replace("\n", "\n" * 500))
    write("typographers-quotes", text([[f"\u201c{h}\u201d" for h in header]] + rows), refused=["no column 'slide'"])
    write("gzip", zlib.compress(text(table).encode()), refused=["text"])
    write("bytes-between", text(table).encode() + b"\xff\xfe\x00", refused=["text"])
    write("slides-as-numbers", text([header] + [["00" + s[1:], x, y, l] for s, x, y, l in rows]),
          places=[["00" + s[1:], x, y, l] for s, x, y, l in rows])
    write("far-away", text([header, ["S1", "3e9", "5", "fat"]]), refused=["line 2"])

    # Columns
    def columns(name, head, order=(0, 1, 2, 3), **right_):
        write(f"columns-{name}", text([head] + [[(r + ["extra", "", "7"])[i] for i in order] for r in rows]), **(right_ or right))
    columns("upper", ["SLIDE", "X", "Y", "LABEL"])
    columns("blank", [" slide ", "x ", " y", "label"])
    columns("slide-id", ["slide_id", "x", "y", "class"])
    columns("hyphen", ["Slide-ID", "x", "y", "Class"])
    columns("order", ["label", "y", "x", "slide"], (3, 2, 1, 0))
    columns("further", ["slide", "x", "y", "label", "remark"], (0, 1, 2, 3, 4))
    columns("index-of-pandas", ["", "slide", "x", "y", "label"], (6, 0, 1, 2, 3))
    columns("doubled", ["slide", "x", "x", "label"], refused=["two columns 'x'"])
    columns("without-x", ["slide", "left", "y", "label"], refused=["no column 'x'"])
    columns("without-label", ["slide", "x", "y", "kind"], refused=["no column 'label'"])
    columns("without-slide", ["image", "x", "y", "label"], refused=["no column 'slide'"])
    columns("trailing-empty", ["slide", "x", "y", "label", "", ""], (0, 1, 2, 3, 5, 5))
    write("no-header", text(rows), refused=["no column 'slide'"])
    write("comment-line", "# made by hand\n" + text(table), refused=["columns"])
    write("sep-semicolon", "sep=;\r\n" + text(table, ";", end="\r\n"))
    write("sep-comma-utf-16", "sep=,\r\n" + text(table, end="\r\n"), "utf-16")
    write("sep-quoted", '"sep=;"\n' + text(table, ";"), either=True, places=rows, refused=["column"])
    write("markdown", "| slide | x | y | label |\n|---|---|---|---|\n| S1 | 384 | 384 | fat |\n", refused=["."])
    write("json", json.dumps([dict(zip(header, r)) for r in rows]), refused=["line 1"])
    write("header-alone", text(table[:1]), refused=["names no points"])
    write("zero-bytes", b"", refused=["is empty"])
    write("mark-alone", b"\xef\xbb\xbf", refused=["is empty"])
    write("blanks-alone", "\n \n\t\n", refused=["is empty"], either=True)
    write("xlsx", b"PK\x03\x04" + bytes(range(256)) * 4, refused=["text"])
    write("zeros", bytes(500), refused=["."])
    write("latin-1", "slide,x,y,label\nS1,384,384,g\u00e9ant\n", "latin-1", refused=["UTF-8"])
    # Rows
    write("row-doubled", text(table + [rows[0]]), refused=["both at"])
    write("row-doubled-other-label", text(table + [["S1", "384", "384", "tumour"]]), refused=["both at"])
    write("row-short", text(table + [["S1", "7", "8"]]), refused=["line 6 has 3 fields"])
    write("row-long", text(table + [["S1", "7", "8", "fat", "x"]]), refused=["line 6 has 5 fields"])
    write("row-without-slide", text(table + [["", "7", "8", "fat"]]), refused=["line 6 has no slide"])
    write("row-without-label", text(table + [["S1", "7", "8", ""]]), places=rows + [["S1", "7", "8", None]])
    write("quoted-newline", text([header] + [[s, x, y, l + "\nof two lines"] for s, x, y, l in rows]),
          places=[[s, x, y, l + "\nof two lines"] for s, x, y, l in rows])
    write("quoted-delimiter", text([header] + [[s, x, y, l + ",and"] for s, x, y, l in rows]),
          places=[[s, x, y, l + ",and"] for s, x, y, l in rows])
    write("quoted-quote", text([header] + [[s, x, y, l + ' "x"'] for s, x, y, l in rows]),
          places=[[s, x, y, l + ' "x"'] for s, x, y, l in rows])
    quote = dict(refused=["has a quote that is not closed"])
    write("quote-open", 'slide,x,y,label\nS1,384,384,"fat\nS1,640,384,tumour\n', **quote)
    write("quote-open-in-the-header", 'slide,x,y,"label\nS1,384,384,fat\n', **quote)
    write("inch-marks", 'slide,x,y,label\nS1,384,384,5"\nS1,640,384,6"\n', **quote)
    write("inch-marks-around-a-delimiter", 'slide,x,y,label,remark\nS1,384,384,5" and, 6",7\n', refused=["."])
    write("inch-mark-at-the-end", 'slide,x,y,label\nS1,384,384,5"\n', **quote)
    write("blank-before-quotes", text(table, quoting=csv.QUOTE_ALL).replace(',"', ', "'), refused=["."], places=rows)
    write("quote-inside", 'slide,x,y,label\nS1,384,384,fat "x"\nS1,640,384,tumour\n', either=True, refused=["."],
          places=[["S1", "384", "384", 'fat "x"'], rows[1]])
    write("backslashes", text([header] + [["case\\" + s, x, y, l] for s, x, y, l in rows]),
          places=[["case/" + s, x, y, l] for s, x, y, l in rows])
    write("backslash-n-of-R", 'slide,x,y,label\nS1,384,384,"fat \\"x\\""\n', either=True, refused=["."],
          places=[["S1", "384", "384", 'fat \\"x\\"']])
    write("accents", text([header] + [[s, x, y, "g\u00e9ant \u03bc"] for s, x, y, _ in rows]),
          places=[[s, x, y, "g\u00e9ant \u03bc"] for s, x, y, _ in rows])
    write("non-breaking-blank-in-header", text([["\u00a0slide", "x", "y", "label\u00a0"]] + rows))
    write("zero-width-mark-twice", "\ufeff\ufeff" + text(table), either=True, refused=["no column 'slide'"], places=rows)
    write("missing-file", "", file="other.csv", refused=["labels.csv"])

    # patches.csv: images of 8 px beside it
    names = [f"S{s}_{i}.png" for s in (1, 2) for i in range(4)]
    cells = [[n, n[:2], str(i % 2), str(i // 2 % 2), "ab"[i % 2]] for i, n in enumerate(names)]
    head = ["file", "slide", "col", "row", "label"]
    good = dict(places=[c[1:] for c in cells])

    def patches(name, content, encoding="utf-8", **right_):
        write(name, content, encoding, "patches", "patches.csv", **(right_ or good))
        for n in names:
            png(os.path.join(OUT, "patches", name, n))
    for delimiter, encoding in itertools.product(words, ("utf-8", "utf-8-sig", "utf-16")):
        patches(f"{words[delimiter]}-{encoding}", text([head] + cells, delimiter), encoding)
    patches("floats", text([head] + [[f, s, c + ".0", r + ".0", l] for f, s, c, r, l in cells]))
    patches("decimal-comma", text([head] + [[f, s, c + ",0", r + ",0", l] for f, s, c, r, l in cells], ";"))
    patches("half-column", text([head] + [[f, s, c + ".5", r, l] for f, s, c, r, l in cells]), refused=["whole numbers"])
    patches("pixels-in-x-y", text([["file", "slide", "x", "y", "label"]]
                                  + [[f, s, str(int(c) * 8), str(int(r) * 8), l] for f, s, c, r, l in cells]))
    patches("pixels-in-col-row", text([head] + [[f, s, str(int(c) * 8), str(int(r) * 8), l] for f, s, c, r, l in cells]))
    patches("backslashes", text([head] + [[".\\" + c[0]] + c[1:] for c in cells]))
    patches("dot-slash", text([head] + [["./" + c[0]] + c[1:] for c in cells]))
    patches("doubled-row", text([head] + cells + cells[:1]), note=["1 lines of patches.csv that repeat"], **good)
    patches("doubled-row-by-another-path", text([head] + cells + [["./" + cells[0][0]] + cells[0][1:]]), note=["repeat"], **good)
    patches("doubled-row-elsewhere", text([head] + cells + [[cells[0][0], "S1", "5", "5", "a"]]), refused=["names S1_0.png again"])
    patches("two-at-one-place", text([head] + [[f, s, "0", "0", l] for f, s, _, _, l in cells]), refused=["S1_0.png", "S1_1.png"])
    patches("missing-image", text([head] + cells + [["gone.png", "S1", "5", "5", "a"]]), note=["gone.png"], **good)
    patches("image-of-no-line", text([head] + cells[:-1]), note=["S2_3.png"], places=[c[1:] for c in cells[:-1]])
    patches("outside", text([head] + [["../" + c[0]] + c[1:] for c in cells]), refused=["outside"])
    patches("absolute", text([head] + [["/" + c[0]] + c[1:] for c in cells]), refused=["outside"])
    patches("without-row", text([head[:3] + ["remark", "label"]] + cells), refused=["no 'row'"])
    patches("without-slide", text([["file", "case", "col", "row", "label"]] + cells), refused=["slide"])
    patches("negative", text([head] + [[f, s, "-" + c, r, l] for f, s, c, r, l in cells]),
          places=[[s, str(1 - int(c)), r, l] for _, s, c, r, l in cells])
    patches("huge", text([head] + [[f, s, c + "9" * 12, r, l] for f, s, c, r, l in cells]), refused=["whole numbers"])
    patches("mpp-of-two", text([head + ["mpp"]] + [c + [str(i)] for i, c in enumerate(cells, 1)]), refused=["one pixel size"])
    patches("mpp-zero", text([head + ["mpp"]] + [c + ["0"] for c in cells]), refused=["mpp '0'"])
    patches("mpp-comma", text([head + ["mpp"]] + [c + ["0,5"] for c in cells], ";"))
    patches("quoted-newline-in-label", text([head] + [c[:4] + [c[4] + "\nx"] for c in cells]),
          places=[c[1:4] + [c[4] + "\nx"] for c in cells])
    patches("named-without-ending", text([head] + [[c[0][:-4]] + c[1:] for c in cells]), refused=["S1_0"])
    patches("file-with-blank", text([head] + [[" " + c[0] + " "] + c[1:] for c in cells]))
    patches("empty-label", text([head] + [c[:4] + [""] for c in cells]), places=[c[1:4] + [None] for c in cells])
    patches("empty-place", text([head] + [c[:2] + ["", ""] + c[4:] for c in cells]), refused=["whole numbers"])

    patches("drive", text([head] + [["C:\\data\\" + c[0]] + c[1:] for c in cells]), refused=["S1_0.png"])
    patches("address", text([head] + [["https://x/" + c[0]] + c[1:] for c in cells]), refused=["S1_0.png"])
    patches("other-case", text([head] + [[c[0].lower()] + c[1:] for c in cells]), refused=["s1_0.png"])
    patches("through-another-folder", text([head] + [["a/../" + c[0]] + c[1:] for c in cells]), refused=["."], places=good["places"])
    patches("a-folder-as-file", text([head] + [["."] + c[1:] for c in cells]), refused=["."])
    patches("x-y-of-two-meanings", text([["file", "slide", "x", "y", "label"]] + [[f, s, "1.024", r, l] for f, s, c, r, l in cells], ";"),
            refused=["read as two"])
    patches("mpp-of-two-meanings", text([head + ["mpp"]] + [c + ["1,164"] for c in cells], "\t"), refused=["read as two"])
    patches("mpp-of-two-meanings-that-has-one", text([head + ["mpp"]] + [c + ["0,499"] for c in cells], "\t"))

    # Splits
    splits = [["slide", "split"], ["S1", "train"], ["S2", "test"]]

    def split(name, content, encoding="utf-8", **right_):
        write(name, content, encoding, "splits", "splits.csv", **(right_ or dict(places=[["S1", "train"], ["S2", "test"]])))
    for delimiter, encoding in itertools.product(words, ("utf-8", "utf-8-sig", "utf-16")):
        split(f"{words[delimiter]}-{encoding}", text(splits, delimiter), encoding)
    split("with-endings", text([splits[0], ["S1.svs", "train"], ["S2.svs", "test"]]))
    split("with-folders", text([splits[0], ["a\\S1.svs", "train"], ["a\\S2.svs", "test"]]), refused=["None of the 2 slides"])
    split("doubled", text(splits + [splits[1]]))
    split("of-two", text(splits + [["S1", "test"]]), refused=["keep one"])
    split("empty-field", text(splits + [["S3", ""]]), refused=["no split"])
    split("columns-of-clam", "train,val,test\nS1,,S2\n", refused=["no column 'slide'"])
    split("set", text([["filename", "set"]] + splits[1:]))


def png(path, side=8, colour=(200, 100, 150)):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    os.makedirs(os.path.dirname(path), exist_ok=True)
    raw = b"".join(b"\0" + bytes(colour) * side for _ in range(side))
    open(path, "wb").write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0))
                           + chunk(b"IDAT", zlib.compress(raw)) + chunk(b"IEND", b""))


# ---- Folders: two slides of 3 x 3 patches of 64 px, classes by column
def folders():
    side = 64
    # What each pattern is written by, and whether its class is in it.
    forms = {
        "idc": ("{c}/{s}_idx5_x{x1}_y{y1}_class{c}.png", "{s}_idx5", True),
        "camelyon17": ("{s}_node_4_{x}_{y}.png", "{s}_node_4", False),
        "wilds": ("patches/{s}_node_4/patch_{s}_node_4_x_{x}_y_{y}.png", "{s}_node_4", False),
        "dsmil": ("{c}/{s}/{i}_{j}.png", "{s}", True),
        "histolab": ("{s}/tile_{n}_level0_{x}-{y}-{x2}-{y2}.png", "{s}", False),
        "hipt": ("{s}_{x}_{y}.png", "{s}", False),
        "sslp": ("{s}_{i}_{j}_{c}.png", "{s}", True),
        "qupath": ("{s} [x={x},y={y},w=64,h=64].png", "{s}", False),
    }
    stems = {"plain": "P{k}", "digits": "100{k}", "tcga": "TCGA-A1-A0S{k}-01Z-00-DX1.4D0B-88",
             "blank": "case {k}", "accent": "K\u00f6rper{k}",
             "underscores": "p_1_{k}", "ends-in-number": "slide_{k}0", "brackets": "S({k})", "dot": "S.{k}", "x": "x{k}"}

    def fill(folder, pattern, stem, offset=(0, 0), step=side, classes="01", keep=lambda k, i, j: True):
        places = []
        for k, i, j in itertools.product((1, 2), range(3), range(3)):
            if not keep(k, i, j):
                continue
            s, c = stem.format(k=k), classes[i % 2]
            x, y = offset[0] + i * step, offset[1] + j * step
            name = pattern.format(s=s, c=c, i=i, j=j, x=x, y=y, x1=x + 1, y1=y + 1, x2=x + side, y2=y + side, n=k * 9 + i * 3 + j)
            png(os.path.join(folder, name), side, (k * 60, i * 60, j * 60))
            places.append([k, i, j, c])
        return places

    def right(form, stem, labelled=None, keep=lambda k, i, j: True, classes="01"):
        _, slide, has = forms[form]
        has = has if labelled is None else labelled
        return [[slide.format(s=stem.format(k=k)), i, j, classes[i % 2] if has else None]
                for k, i, j in itertools.product((1, 2), range(3), range(3)) if keep(k, i, j)]

    def write(name, form, stem="P{k}", change=lambda folder: None, pattern=None, classes="01", right_=None, **fills):
        folder = variant("folders", name, **(right_ or dict(places=right(form, stem, classes=classes))))
        fill(folder, pattern or forms[form][0], stem, classes=classes, **fills)
        change(folder)

    for form, stem in itertools.product(forms, stems):
        write(f"{form}-{stem}", form, stems[stem])
    for form in ("camelyon17", "wilds", "histolab", "hipt", "qupath"):
        write(f"{form}-far-away", form, offset=(102400, 51200))
        write(f"{form}-not-from-a-multiple", form, offset=(1237, 5))
        write(f"{form}-level-1", form, step=128)
    for form in forms:
        for above in ("patches", "myset", "train", "data/train"):
            write(f"{form}-in-{above.replace('/', '-')}", form, pattern=above + "/" + forms[form][0],
                  right_=dict(refused=["class 'myset' and its name says"]) if (form, above) == ("sslp", "myset")
                  # The only folder may be the only class, which the line of what was understood says.
                  else dict(places=right(form, "P{k}", True, classes=["myset"] * 2))
                    if above == "myset" and not forms[form][2] and form != "wilds"
                  else None)
        write(f"{form}-upper-ending", form, pattern=forms[form][0][:-4] + ".PNG")
        write(f"{form}-class-names", form, classes=["normal", "tumor"]) if forms[form][2] and form != "idc" else None
        write(f"{form}-companions", form, change=companions, right_=dict(places=right(form, "P{k}"), note=["6 files are no images"]))
        write(f"{form}-one-of-another-kind", form, change=lambda folder: png(os.path.join(folder, "overview.png"), side),
              right_=dict(places=right(form, "P{k}"), either=True, refused=["overview.png"], note=["overview.png"]))
        write(f"{form}-thumbnail-beside", form, change=lambda folder: png(os.path.join(folder, "thumbs", "a.png"), 128),
              right_=dict(places=right(form, "P{k}"), either=True, refused=["."], note=["a.png"]))
    # Single names.
    def names(name, form, change=lambda folder: None, **right_):
        folder = variant("folders", "names-" + name, **(right_ or dict(places=[
            [f"P{k}", i, j, None] for k, i, j in itertools.product((1, 2), range(3), range(3))])))
        fill(folder, form, "P{k}")
        change(folder)
    names("zero-padded", "{s}_{x:06}_{y:06}.png")
    names("plus", "{s}_+{i}_+{j}.png")
    names("decimals", "{s}_{x}.0_{y}.0.png")
    names("fractions", "{s}_{x}.5_{y}.5.png", refused=["carry no coordinates"])
    names("x-y-without-a-mark", "{s}_x{x}y{y}.png", refused=["carry no coordinates"], places=right("hipt", "P{k}"))
    names("hyphens", "{s}-{x}-{y}.png", refused=["carry no coordinates"], places=right("hipt", "P{k}"))
    names("y-before-x", "{s}_y{y}_x{x}.png", refused=["carry no coordinates"], places=right("hipt", "P{k}"))
    names("x-equals", "{s}_x={x}_y={y}.png")
    names("upper-x-y", "{s}_X{x}_Y{y}.png")
    names("blanks", "{s} {x} {y}.png", refused=["carry no coordinates"], places=right("hipt", "P{k}"))
    names("tile-row-col", "{s}_tile_r{j}_c{i}.png", refused=["."], places=[
        [f"P{k}_tile", i, j, None] for k, i, j in itertools.product((1, 2), range(3), range(3))])
    names("emoji", "\U0001f52c{s}_{x}_{y}.png", places=[
        [f"\U0001f52cP{k}", i, j, None] for k, i, j in itertools.product((1, 2), range(3), range(3))])
    names("comma-in-slide", "{s},a_{x}_{y}.png", places=[
        [f"P{k},a", i, j, None] for k, i, j in itertools.product((1, 2), range(3), range(3))])
    names("new-line-in-slide", "{s}\na_{x}_{y}.png", refused=["."], places=[
        [f"P{k}\na", i, j, None] for k, i, j in itertools.product((1, 2), range(3), range(3))])
    names("broken-links", "{s}_{x}_{y}.png", lambda folder: os.symlink("gone", os.path.join(folder, "P1_640_640.png")),
          places=right("hipt", "P{k}"), note=["P1_640_640.png"])
    names("a-folder-like-an-image", "{s}_{x}_{y}.png", lambda folder: os.mkdir(os.path.join(folder, "P1_640_640.png")))
    names("smaller-at-the-edge", "{s}_{x}_{y}.png", lambda folder: png(os.path.join(folder, "P1_192_0.png"), 32),
          places=right("hipt", "P{k}"), note=["1 smaller images"])
    names("one-larger", "{s}_{x}_{y}.png", lambda folder: png(os.path.join(folder, "P1_192_0.png"), 128), refused=["P1_192_0.png is 128"])
    names("cut-short", "{s}_{x}_{y}.png", lambda folder: open(os.path.join(folder, "P1_192_0.png"), "wb").write(
        open(os.path.join(folder, "P1_0_0.png"), "rb").read()[:20]), places=right("hipt", "P{k}"), note=["P1_192_0.png"])
    names("text-beside", "{s}_{x}_{y}.png", lambda folder: open(os.path.join(folder, "metadata.csv"), "w").write("a,b\n"),
          places=right("hipt", "P{k}"), note=["metadata.csv"])
    names("list-of-another-case", "{s}_{x}_{y}.png", lambda folder: open(os.path.join(folder, "Patches.CSV"), "w").write("a,b\n"),
          places=right("hipt", "P{k}"), note=["Patches.CSV"])
    names("one-twice-by-ending", "{s}_{x}_{y}.png", lambda folder: png(os.path.join(folder, "P1_0_0.PNG"), side), refused=["P1_0_0"])
    names("one-twice-by-zeros", "{s}_{x}_{y}.png", lambda folder: png(os.path.join(folder, "P1_00_00.png"), side), refused=["P1_0"])
    names("class-of-the-folder-not-the-names", "0/{s}_x{x}_y{y}_class1.png", refused=["says '1'"])
    names("three-levels", "a/{c}/b{c}/{s}_{x}_{y}.png", refused=["could be classes on 2 levels"])
    names("beside-and-inside", "{s}_{x}_{y}.png", lambda folder: png(os.path.join(folder, "more", "P3_0_0.png"), side),
          refused=["both beside and inside"])
    names("far", "{s}_{x}000000000000_{y}.png", refused=["."])
    names("one-patch", "{s}_{x}_{y}.png",
          lambda folder: [os.remove(os.path.join(folder, f)) for f in os.listdir(folder) if f != "P1_0_0.png"],
          places=[["P1", 0, 0, None]])
    folder = variant("folders", "names-numbers-alone", places=[["names-numbers-alone", i, j, None] for i in range(3) for j in range(3)])
    for i, j in itertools.product(range(3), range(3)):
        png(os.path.join(folder, f"{i}_{j}.png"), side)

    # Two forms in one folder.
    for a, b in itertools.combinations(("camelyon17", "hipt", "sslp", "qupath"), 2):
        alike = {a, b} == {"camelyon17", "hipt"}  # the same form
        folder = variant("folders", f"mixed-{a}-{b}",
              **(dict(places=right(a, "P{k}") + right(b, "Q{k}")) if alike else dict(refused=["."])))
        fill(folder, forms[a][0], "P{k}")
        fill(folder, forms[b][0], "Q{k}")
    # Nested in splits, in a folder of the set, twice.
    for form in ("camelyon17", "hipt", "sslp", "dsmil"):
        folder = variant("folders", f"{form}-in-splits", places=right(form, "P{k}"), splits=True)
        fill(folder, "train/" + forms[form][0], "P{k}", keep=lambda k, i, j: k == 1)
        fill(folder, "test/" + forms[form][0], "P{k}", keep=lambda k, i, j: k == 2)
    folder = variant("folders", "nct-crc", places=None, classes=["ADI", "TUM"])
    for name in ("ADI/ADI-AAAFLCLY.png", "ADI/ADI-AAFFALYR.png", "TUM/TUM-AAAKLEWV.png", "TUM/TUM-TCGA-AAICEQFN.png"):
        png(os.path.join(folder, name), side)
    variant("folders", "empty", refused=["no images"])
    folder = variant("folders", "no-images", refused=["no images"])
    open(os.path.join(folder, "notes.txt"), "w").write("x")
    folder = variant("folders", "images-of-no-bytes", refused=["can be opened"])
    for i in range(4):
        open(os.path.join(folder, f"S1_{i}_0_a.png"), "w").close()
    folder = variant("folders", "not-square", refused=["square"])
    for i in range(4):
        wide = os.path.join(folder, f"S1_{i}_0_a.png")
        png(wide, side)
        data = bytearray(open(wide, "rb").read())
        data[19] = 32
        data[29:33] = struct.pack(">I", zlib.crc32(bytes(data[12:29])))
        open(wide, "wb").write(data)
    # Two classes of one slide and place by folders: the same picture twice.
    folder = variant("folders", "one-place-in-two-classes", refused=["P1"])
    for c in "ab":
        fill(folder, c + "/{s}_{i}_{j}.png", "P{k}")
    folder = variant("folders", "class-said-twice-and-not-alike", refused=["says"], either=True)
    fill(folder, "a/{s}_{i}_{j}_{c}.png", "P{k}", classes=["b", "b"])


def companions(folder):
    inner = next(base for base, _, files in os.walk(folder) if files)
    for name in ("Thumbs.db", ".DS_Store", "desktop.ini", "._P1_0_0.png", "P1_0_0.png.tmp", "readme.txt"):
        open(os.path.join(inner, name), "wb").write(b"companion")


for kind in KINDS:
    {"hdf5": hdf5, "lists": lists, "folders": folders}[kind]()
json.dump(made, open(os.path.join(OUT, "variants.json"), "w"), indent=0)
print(len(made), "variants")
