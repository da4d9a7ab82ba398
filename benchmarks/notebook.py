"""The notebook's job, as a peer of benchmarks/full-size: decompose M in float32, project, check norms, save.

usage: OMP_NUM_THREADS=N notebook.py numpy|torch MODEL.safetensors METRIC.npy|RIDGE OUTPUT_DIRECTORY
With a number in the place of the metric, M = (Cov(gamma) + ridge I)^-1 is computed first, in float32.
Prints one JSON object: seconds per stage, peak memory, and the figures that the answer is checked by.
"""
import json
import os
import resource
import struct
import sys
import time

import numpy

library, model, metric, output = sys.argv[1:]
seconds = {}
last = time.perf_counter()


def lap(stage):
    global last
    now = time.perf_counter()
    seconds[stage] = now - last
    last = now


def bfloat16_tensor(path):
    """The only tensor of a safetensors file: shape and offset."""
    with open(path, "rb") as file:
        length = struct.unpack("<Q", file.read(8))[0]
        header = json.loads(file.read(length))
    header.pop("__metadata__", None)
    (entry,) = header.values()
    return entry["shape"], 8 + length + entry["data_offsets"][0]


def given_metric():
    """The metric of the file, or None where it is to be computed."""
    return numpy.load(metric) if metric.endswith(".npy") else None


shape, offset = bfloat16_tensor(model)
stored = numpy.fromfile(model, dtype=numpy.uint16, count=shape[0] * shape[1], offset=offset)

if library == "torch":
    import torch

    lap("import")
    gamma = torch.from_numpy(stored.view(numpy.int16)).view(torch.bfloat16).reshape(shape).float()
    given = given_metric()
    lap("load")
    if given is None:
        centred = gamma - gamma.mean(dim=0)
        covariance = centred.T @ centred / shape[0]
        del centred
        lap("covariance")
        m = torch.linalg.inv(covariance + float(metric) * torch.eye(shape[1]))
        lap("metric")
    else:
        m = torch.from_numpy(given)
    eigenvalues, eigenvectors = torch.linalg.eigh(m)
    lap("eigh")
    projections = gamma @ eigenvectors
    lap("product")
    norm_difference = (gamma.norm(dim=1) - projections.norm(dim=1)).abs().max().item()
    lap("norms")
    torch.save({"eigenvalues": eigenvalues, "eigenvectors": eigenvectors}, output + "/eigenbasis.pt")
    torch.save({"projections": projections}, output + "/projections.pt")
    lap("save")
    version, threads = torch.__version__, torch.get_num_threads()
else:
    gamma = (stored.astype(numpy.uint32) << 16).view(numpy.float32).reshape(shape)
    m = given_metric()
    lap("load")
    if m is None:
        centred = gamma - gamma.mean(axis=0)
        covariance = centred.T @ centred / numpy.float32(shape[0])
        del centred
        lap("covariance")
        m = numpy.linalg.inv(covariance + numpy.float32(metric) * numpy.eye(shape[1], dtype=numpy.float32))
        lap("metric")
    eigenvalues, eigenvectors = numpy.linalg.eigh(m)
    lap("eigh")
    projections = gamma @ eigenvectors
    lap("product")
    norms = [numpy.linalg.norm(matrix, axis=1) for matrix in (gamma, projections)]
    norm_difference = float(abs(norms[0] - norms[1]).max())
    lap("norms")
    numpy.savez(output + "/eigenbasis.npz", eigenvalues=eigenvalues, eigenvectors=eigenvectors)
    numpy.save(output + "/projections.npy", projections)
    lap("save")
    # NumPy cannot say how many its BLAS uses; this is what it was told.
    version, threads = numpy.__version__, int(os.environ["OMP_NUM_THREADS"])

print(
    json.dumps(
        {
            "version": version,
            "threads": threads,
            "seconds": seconds,
            "peakMemoryBytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
            "largestEigenvalue": float(eigenvalues[-1]),
            "normDifference": norm_difference,
        }
    )
)
