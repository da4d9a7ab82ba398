"""A peer of benchmarks/neighbours: exact nearest neighbours of all rows by centred causal cosine, in float32.

usage: OMP_NUM_THREADS=N neighbours.py numpy|faiss PROJECTIONS.npy EIGENVALUES.json K OUTPUT
Writes the numbers of the K nearest rows of each, nearest first, int32 [V, K] and nothing else.
Prints one JSON object: seconds per stage, peak memory, the library's version.
"""
import json
import resource
import sys
import time

import numpy

library, projections, eigenvalues, k, output = sys.argv[1:]
k = int(k)
seconds = {}
last = time.perf_counter()

# Rows that are multiplied with all others at a time.
BLOCK = 2048


def lap(stage):
    global last
    now = time.perf_counter()
    seconds[stage] = now - last
    last = now


def unit_vectors():
    p = numpy.load(projections)
    with open(eigenvalues) as file:
        roots = numpy.sqrt(numpy.array(json.load(file)))
    z = (p - p.mean(axis=0, dtype=numpy.float64).astype(numpy.float32)) * roots.astype(numpy.float32)
    z /= numpy.linalg.norm(z, axis=1, keepdims=True)
    return z


def by_numpy(z):
    ids = numpy.empty((len(z), k), numpy.int32)
    for first in range(0, len(z), BLOCK):
        cosines = z[first : first + BLOCK] @ z.T
        rows = numpy.arange(len(cosines))
        cosines[rows, first + rows] = -numpy.inf
        nearest = numpy.argpartition(cosines, -k, axis=1)[:, -k:]
        order = numpy.argsort(-numpy.take_along_axis(cosines, nearest, 1), axis=1)
        ids[first : first + BLOCK] = numpy.take_along_axis(nearest, order, 1)
    return ids


def by_faiss(z):
    index = faiss.IndexFlatIP(z.shape[1])
    index.add(z)
    _, nearest = index.search(z, k + 1)
    ids = numpy.empty((len(z), k), numpy.int32)
    for row, found in enumerate(nearest):
        ids[row] = found[found != row][:k]
    return ids


if library == "faiss":
    import faiss

    lap("import")
vectors = unit_vectors()
lap("load")
found = by_faiss(vectors) if library == "faiss" else by_numpy(vectors)
lap("search")
found.tofile(output)
lap("save")
version = faiss.__version__ if library == "faiss" else numpy.__version__
print(
    json.dumps(
        {
            "version": version,
            "seconds": seconds,
            "peakMemoryBytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        }
    )
)
