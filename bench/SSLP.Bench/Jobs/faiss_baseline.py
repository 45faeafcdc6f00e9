"""FAISS as a co-process: does a job once for every line on stdin and answers its milliseconds. Arguments: job file rows width
queries k threads iterations; the file holds rows x width and queries x width float32. Its first line is "ready", FAISS's version and
the BLAS that it multiplies with, between tabs."""
import ctypes
import sys
import time

import faiss
import numpy as np

job, path = sys.argv[1], sys.argv[2]
rows, width, queries, k, threads, iterations = (int(a) for a in sys.argv[3:9])
faiss.omp_set_num_threads(threads)
values = np.fromfile(path, dtype=np.float32)
bank = values[: rows * width].reshape(rows, width)
asked = values[rows * width :].reshape(queries, width)

if job == "knn":
    index = faiss.IndexFlatIP(width)
    index.add(bank)
    run = lambda: index.search(asked, k)
else:
    def run():
        means = faiss.Clustering(width, k)
        means.niter = iterations
        means.max_points_per_centroid = rows
        means.min_points_per_centroid = 1
        means.train(bank, faiss.IndexFlatL2(width))


def blas():
    """The BLAS that the loader chose; OpenBLAS says itself which processor's kernels it runs."""
    with open("/proc/self/maps") as maps:
        libraries = sorted({line.split()[-1] for line in maps if "blas" in line})
    for library in libraries:
        try:
            core = ctypes.CDLL(library).openblas_get_corename
            config = ctypes.CDLL(library).openblas_get_config
        except AttributeError:
            continue
        core.restype = config.restype = ctypes.c_char_p
        return " ".join(config().decode().split()[:2]) + ", core " + core().decode()
    return "no OpenBLAS: " + (", ".join(libraries) or "BLAS unknown")


print("ready", faiss.__version__, blas(), sep="\t", flush=True)
for _ in sys.stdin:
    start = time.perf_counter()
    run()
    print((time.perf_counter() - start) * 1e3, flush=True)
