"""NumPy's part of benchmarks/eigh: decomposes matrices that are named on stdin, one JSON object a line.

request:  {"file": PATH of n * n float64 values, "n": n}
response: {"seconds": of numpy.linalg.eigh alone, "orthogonality": max |V'V - I|, "residual": ||A V - V D|| / ||A||}
The first line out is {"version": of NumPy, "blas": its library and version}.
"""
import json
import sys
import time

import numpy


def blas():
    try:
        return "{name} {version}".format(**numpy.show_config(mode="dicts")["Build Dependencies"]["blas"])
    except (TypeError, KeyError):
        return "unknown BLAS"


def reply(**figures):
    print(json.dumps(figures), flush=True)


reply(version=numpy.__version__, blas=blas())
file = a = None
for line in sys.stdin:
    request = json.loads(line)
    n = request["n"]
    if request["file"] != file:
        file = request["file"]
        a = numpy.fromfile(file).reshape(n, n)
    started = time.perf_counter()
    eigenvalues, v = numpy.linalg.eigh(a)
    seconds = time.perf_counter() - started
    if not (numpy.diff(eigenvalues) >= 0).all():
        raise SystemExit("the eigenvalues do not ascend")
    gram = v.T @ v
    gram[numpy.diag_indices(n)] -= 1
    residual = numpy.linalg.norm(a @ v - v * eigenvalues) / numpy.linalg.norm(a)
    reply(seconds=seconds, orthogonality=float(abs(gram).max()), residual=float(residual))
