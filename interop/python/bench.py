"""How fast a host gets patches and neighbours: python3 interop/python/bench.py SLIDES [--threads 2] [--rows 65536] [--sslp PROGRAM]

Loader batches through Python beside the ring's own rate (the same batches, given back unseen, in turn), beside a PyTorch DataLoader over
openslide-python with as many workers and the same patches, where both are installed; a bank search through NumPy; and with --sslp, the
program or sslp.dll, that program's `bench knn` of the same shape with and without sslp.h between, in one process, in turn. One JSON line a
figure; run it while nothing else works.
"""

import argparse
import json
import statistics
import subprocess
import time

import numpy as np

import sslp


def rates(patches, threads, batch, takes, rounds=5):
    """Patches a second of each way to take batches: whole epochs in turn, medians; the first epoch is left out, which fills caches."""
    loader = sslp.Loader(patches, batch, seed=1, threads=threads)
    seconds = [[] for _ in takes]
    for epoch in range(1 + rounds * len(takes)):
        way = epoch % len(takes)
        begun = time.perf_counter()
        for lent in loader.epoch(epoch):
            takes[way](lent)
        if epoch > 0:
            seconds[way].append(time.perf_counter() - begun)
    return [batch * loader.batches_per_epoch / statistics.median(times) for times in seconds]


def touch(lent):
    """What a loop does at least: the array is looked at and let go."""
    pixels = lent.pixels
    assert pixels.shape[0] == len(lent.patches)
    pixels[:, 0, 0].sum()


def mpp_of(properties):
    """OpenSlide leaves the size of a plain TIFF in its tags."""
    if "openslide.mpp-x" in properties:
        return float(properties["openslide.mpp-x"])
    return {"centimeter": 10_000, "inch": 25_400}[properties["tiff.ResolutionUnit"]] / float(properties["tiff.XResolution"])


def torch_rate(patches, folder, threads, batch):
    import openslide
    import torch

    slide_of, col, row = patches.places()
    names, side = patches.slide_names, patches.patch_size
    paths = [f"{folder}/{name}" for name in names]
    scales = []
    for path in paths:
        with openslide.OpenSlide(path) as slide:
            scales.append(patches.mpp / mpp_of(slide.properties))

    class Slides(torch.utils.data.Dataset):
        def __init__(self):
            self.open = {}

        def __len__(self):
            return len(patches)

        def __getitem__(self, patch):
            at = int(slide_of[patch])
            slide = self.open.get(at)
            if slide is None:
                slide = self.open[at] = openslide.OpenSlide(paths[at])
            scale = scales[at]
            level = slide.get_best_level_for_downsample(scale)
            read = round(side * scale / slide.level_downsamples[level])
            corner = (round(int(col[patch]) * side * scale), round(int(row[patch]) * side * scale))
            image = slide.read_region(corner, level, (read, read)).convert("RGB")
            return torch.from_numpy(np.asarray(image if read == side else image.resize((side, side))).copy())

    loader = torch.utils.data.DataLoader(Slides(), batch_size=batch, shuffle=True, num_workers=threads, drop_last=True,
                                         persistent_workers=True)
    seconds, count = [], 0
    for _ in range(3):
        begun, count = time.perf_counter(), 0
        for pixels in loader:
            count += len(pixels)
        seconds.append(time.perf_counter() - begun)
    return count / statistics.median(seconds[1:])


def search_ms(context, rows, threads):
    bank = sslp.Bank(context, rows, 128, seed=1)
    queries = bank.save(0, 128)
    out = (np.empty((128, 20), np.int32), np.empty((128, 20), np.float32))
    times = []
    for _ in range(30):
        begun = time.perf_counter()
        bank.search(queries, 20, out=out)
        times.append(time.perf_counter() - begun)
    return 1000 * statistics.median(times[5:])


def through_sslp_h(program, rows, threads):
    """The managed search and the same one through this package's library, by the program's own bench."""
    from sslp import _abi

    command = [*(["dotnet", program] if program.endswith(".dll") else [program]), "bench", "knn", "--json", "--queries", "128",
               "--rows", str(rows), "--width", "128", "--k", "20", "--rounds", "31", "--threads", str(threads),
               "--library", str(_abi._find())]
    report = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    through = next(way for way in report["baselines"] if way["name"] == "ours through sslp.h")
    return {"managed_search_ms": report["ours_ms"], "through_sslp_h": through, "notes": report["notes"]}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("slides", help="a folder of slides")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--patch", type=int, default=256)
    parser.add_argument("--mpp", type=float, default=0.5)
    parser.add_argument("--rows", type=int, default=65536)
    parser.add_argument("--sslp", help="the program sslp, or sslp.dll")
    asked = parser.parse_args()
    context = sslp.Context(threads=asked.threads)
    patches = context.tile(asked.slides, patch=asked.patch, mpp=asked.mpp)
    print(json.dumps({"machine": context.describe(), "patches": len(patches), "threads": asked.threads}))
    alone, python = rates(patches, asked.threads, asked.batch, [lambda lent: lent.release(), touch])
    print(json.dumps({"ring_patches_per_second": round(alone, 1), "python_patches_per_second": round(python, 1),
                      "python_share": round(python / alone, 3)}))
    try:
        other = torch_rate(patches, asked.slides, asked.threads, asked.batch)
        print(json.dumps({"dataloader_openslide_patches_per_second": round(other, 1), "speedup": round(python / other, 2)}))
    except ImportError as missing:
        print(json.dumps({"dataloader_openslide": f"not measured: {missing}"}))
    print(json.dumps({"search_ms": round(search_ms(context, asked.rows, asked.threads), 3), "queries": 128, "rows": asked.rows,
                      "width": 128, "k": 20}))
    if asked.sslp:
        print(json.dumps(through_sslp_h(asked.sslp, asked.rows, asked.threads)))


if __name__ == "__main__":
    main()
