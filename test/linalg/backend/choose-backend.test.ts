import { writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { InputError, RunError } from '../../../src/errors.js';
import { type Backend, backendLabel, sameBackend } from '../../../src/linalg/backend/backend.js';
import { chooseBackend, type Surroundings } from '../../../src/linalg/backend/choose-backend.js';
import type { Koffi, NativeFunction } from '../../../src/linalg/backend/koffi.js';
import { libraryRates } from '../../../src/linalg/backend/library-rates.js';
import { openBackend } from '../../../src/linalg/backend/open-backend.js';
import { portableBackend } from '../../../src/linalg/backend/portable-backend.js';
import { processorFamily } from '../../../src/linalg/backend/processor-class.js';
import { webgpuBackend } from '../../../src/linalg/backend/webgpu-backend.js';
import { scratchDirectory } from '../../helpers/fixtures.js';
import { koffiTest, systemKernelsTest } from '../../helpers/system-libraries.js';

const libraries = [{ library: 'libmade-up.so', lapack: null }];
const noNotes = () => {};
const noDevice = () => Promise.reject(new InputError('no device'));
/** Nobody has measured a library. */
const ratesOf = () => null;

type Functions = Record<string, (...args: never[]) => unknown>;

/** A koffi whose every library has these functions. */
function koffiWith(functions: Functions): Surroundings {
  const koffi: Koffi = {
    config: () => ({}),
    load: () => ({
      func: (name) => {
        const body = functions[name] as ((...args: unknown[]) => unknown) | undefined;
        if (body === undefined) throw new Error(`Cannot find function '${name}'`);
        const callAside: NativeFunction['async'] = (...args) => {
          const done = args.pop() as (error: unknown, result: unknown) => void;
          setImmediate(() => done(null, body(...args)));
        };
        return Object.assign((...args: unknown[]) => body(...args), { async: callAside });
      },
    }),
  };
  return { loadKoffi: async () => koffi, libraries, findDevice: noDevice, ratesOf };
}

type Gemm = [
  number,
  number,
  number,
  number,
  number,
  number,
  number,
  Float64Array,
  number,
  Float64Array,
  number,
  number,
  Float64Array,
  number,
];

/** Enumerator of cblas.h. */
const CBLAS_TRANS = 112;

/** cblas_dgemm by plain loops, with an error put in. */
function gemm(error: (row: number) => number) {
  return (...[, , transB, m, n, k, , a, , b, , beta, c]: Gemm) => {
    for (let i = 0; i < m; i++) {
      for (let j = 0; j < n; j++) {
        let sum = beta === 0 ? 0 : c[i * n + j]!;
        for (let l = 0; l < k; l++) sum += a[i * k + l]! * b[transB === CBLAS_TRANS ? j * k + l : l * n + j]!;
        c[i * n + j] = sum * (1 + error(i));
      }
    }
  };
}

type Syevd = [
  Buffer,
  Buffer,
  Int32Array,
  Float64Array,
  Int32Array,
  Float64Array,
  Float64Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
];

/** dsyevd_ of a solver that fails as told; a workspace query succeeds. */
function syevd(info: number) {
  return (...[, , , , , , , lwork, , , status]: Syevd) => {
    status[0] = lwork[0] === -1 ? 0 : info;
  };
}

/** dsyevd_ by the portable solver would be asynchronous: Jacobi rotations do for a small matrix. */
function jacobi(...[, , order, a, , w, work, lwork, integerWork, , status]: Syevd): void {
  const n = order[0]!;
  status[0] = 0;
  if (lwork[0] === -1) {
    work[0] = 1;
    integerWork[0] = 1;
    return;
  }
  // Column-major, 'U': entry (i, j), i <= j, is a[j n + i].
  const at = Array.from({ length: n }, (_, i) =>
    Float64Array.from({ length: n }, (_, j) => a[Math.max(i, j) * n + Math.min(i, j)]!),
  );
  const v = Array.from({ length: n }, (_, i) =>
    Float64Array.from({ length: n }, (_, j) => (i === j ? 1 : 0)),
  );
  for (let sweep = 0; sweep < 12; sweep++) {
    for (let p = 0; p < n; p++) {
      for (let q = p + 1; q < n; q++) {
        if (at[p]![q] === 0) continue;
        const angle = 0.5 * Math.atan2(2 * at[p]![q]!, at[q]![q]! - at[p]![p]!);
        const [c, s] = [Math.cos(angle), Math.sin(angle)];
        const turn = (x: Float64Array) => {
          const [xp, xq] = [x[p]!, x[q]!];
          x[p] = c * xp - s * xq;
          x[q] = s * xp + c * xq;
        };
        at.forEach(turn);
        v.forEach(turn);
        const [rowP, rowQ] = [at[p]!.slice(), at[q]!.slice()];
        for (let k = 0; k < n; k++) {
          at[p]![k] = c * rowP[k]! - s * rowQ[k]!;
          at[q]![k] = s * rowP[k]! + c * rowQ[k]!;
        }
      }
    }
  }
  const ascending = Array.from({ length: n }, (_, j) => j).sort((i, j) => at[i]![i]! - at[j]![j]!);
  ascending.forEach((from, j) => {
    w[j] = at[from]![from]!;
    for (let i = 0; i < n; i++) a[j * n + i] = v[i]![from]!;
  });
}

const exact = gemm(() => 0);
const sound: Functions = { cblas_sgemm: exact, cblas_dgemm: exact, dsyevd_: jacobi };

test('portable is portable, and takes no library', async (t) => {
  t.is(await chooseBackend({ backend: 'portable' }, noNotes), portableBackend);
  t.is(portableBackend.identity.library, 'onnxruntime-node');
  t.regex(portableBackend.identity.version, /^\d+\.\d+\.\d+$/);
  await t.throwsAsync(chooseBackend({ backend: 'portable', blas: 'libx.so' }, noNotes), {
    instanceOf: InputError,
    message: /--blas libx\.so asks for a system library/,
  });
});

test('without koffi auto is portable, and system says what to install', async (t) => {
  const withoutKoffi = {
    loadKoffi: () => Promise.reject(new Error("Cannot find package 'koffi'")),
    libraries,
    findDevice: noDevice,
    ratesOf,
  };
  t.deepEqual(await chooseBackend({ backend: 'auto' }, t.log, withoutKoffi), {
    ...portableBackend,
    reason: 'koffi, by which system libraries are called, cannot be loaded',
  });
  for (const wish of [{ backend: 'system' }, { backend: 'auto', blas: '/x.so' }] as const) {
    await t.throwsAsync(chooseBackend(wish, noNotes, withoutKoffi), {
      instanceOf: InputError,
      message:
        /through koffi, which cannot be loaded \(Cannot find package 'koffi'\): run `npm install --include=optional`/,
    });
  }
});

test('where no library is found auto is portable, and system names every place and what to install', async (t) => {
  const nothing = {
    loadKoffi: async (): Promise<Koffi> => ({
      config: () => ({}),
      load: () => {
        throw new Error('no such file');
      },
    }),
    libraries: [...libraries, { library: 'libother.so', lapack: null }],
    findDevice: noDevice,
    ratesOf,
  };
  const notes: string[] = [];
  const chosen = await chooseBackend({ backend: 'auto' }, (line) => notes.push(line), nothing);
  t.deepEqual(chosen, { ...portableBackend, reason: 'no system library can be used' });
  t.deepEqual(notes, []);
  await t.throwsAsync(chooseBackend({ backend: 'system' }, noNotes, nothing), {
    instanceOf: InputError,
    message:
      /libmade-up\.so: no such file\n {2}libother\.so: no such file\nInstall one \(.*apt install libopenblas0/,
  });
});

test('a library of sound results is taken by auto, with its version and its own float32 products', async (t) => {
  const threads: number[] = [];
  const surroundings = koffiWith({
    ...sound,
    openblas_get_config: () => 'OpenBLAS 0.3.99 MAX_THREADS=8 ',
    openblas_set_num_threads: (count: number) => threads.push(count),
  });
  const kernels = await chooseBackend({ backend: 'auto' }, t.fail, surroundings);
  t.deepEqual(kernels.identity, {
    backend: 'system',
    library: 'libmade-up.so',
    version: 'OpenBLAS 0.3.99 MAX_THREADS=8',
    float32: 'libmade-up.so OpenBLAS 0.3.99 MAX_THREADS=8',
  });
  t.deepEqual(new Set(threads.splice(0)), new Set([1]));
  await kernels.eigh(Float64Array.of(1, 0, 0, 2), 2, { threads: 3 });
  t.deepEqual(new Set(threads), new Set([3]));
});

test('auto passes over a library that is known to be slower here, and says why; whoever asks for it has it', async (t) => {
  const rates = { processor: 'a processor', library: 'OpenBLAS 0.3.99', float32: 0.5, float64: 0.9 };
  const surroundings = {
    ...koffiWith({ ...sound, openblas_get_config: () => 'OpenBLAS 0.3.99 MAX_THREADS=8 ' }),
    ratesOf: () => rates,
  };
  const notes: string[] = [];
  const chosen = await chooseBackend({ backend: 'auto' }, (line) => notes.push(line), surroundings);
  t.is(chosen.identity, portableBackend.identity);
  const why =
    "float32 products at 0.5, float64 ones at 0.9 of onnxruntime's rate, as measured on a processor";
  t.is(chosen.reason, `OpenBLAS 0.3.99 MAX_THREADS=8 is slower here: ${why}`);
  t.deepEqual(notes, [chosen.reason!]);
  const asked = await chooseBackend({ backend: 'system' }, noNotes, surroundings);
  t.is(asked.identity.backend, 'system');
  const begun = await chooseBackend({ backend: 'auto', recorded: asked.identity }, noNotes, surroundings);
  t.deepEqual(begun.identity, asked.identity);
});

test('of a library that is faster in float64 alone, float64 is taken', async (t) => {
  const rates = { processor: 'a processor', library: 'OpenBLAS 0.3.99', float32: 0.9, float64: 1.2 };
  const chosen = await chooseBackend({ backend: 'auto' }, t.fail, {
    ...koffiWith(sound),
    ratesOf: () => rates,
  });
  t.is(chosen.identity.backend, 'system');
  t.is(chosen.identity.float32, portableBackend.identity.float32);
  t.is(
    chosen.reason,
    'the first library found that is not known to be slower here: float32 products at 0.9, float64 ones at 1.2 of ' +
      "onnxruntime's rate, as measured on a processor",
  );
});

test('of a library that is slower at sums alone, sums stay with onnxruntime, also of a run that goes on', async (t) => {
  const rates = {
    processor: 'a processor',
    library: 'OpenBLAS 0.3.99',
    float32: 1.1,
    float64: 1.2,
    sums: 0.9,
  };
  let calls = 0;
  const multiply = gemm(() => 0);
  const counted = (...args: Gemm) => {
    calls++;
    multiply(...args);
  };
  const surroundings = koffiWith({ ...sound, cblas_dgemm: counted });
  const chosen = await chooseBackend({ backend: 'auto' }, t.fail, { ...surroundings, ratesOf: () => rates });
  calls = 0;
  const one = (value: number) => ({ values: Float64Array.of(value), rows: 1, columns: 1 });
  const sum = one(1);
  const sums = await chosen.outerProducts(1);
  await sums.add(one(2), one(3), sum);
  await sums.release();
  t.deepEqual([sum.values[0], calls], [7, 0]);
  const own = portableBackend.identity.float32;
  t.is(chosen.identity.sums, own);
  t.true(backendLabel(chosen.identity).endsWith(`; covariances by ${own}`));
  t.true(chosen.reason!.includes('sums of covariances at 0.9'));
  const asked = await chooseBackend({ backend: 'system' }, t.fail, surroundings);
  t.is(asked.identity.sums, undefined);
  t.false(sameBackend(asked.identity, chosen.identity));
  for (const { identity, choice } of [chosen, asked]) {
    const begun = await chooseBackend({ backend: 'auto', recorded: identity }, t.fail, surroundings);
    t.deepEqual(begun.identity, identity);
    t.deepEqual(begun.choice, choice);
  }
  // Also where the library is asked for: what a run was begun with is not chosen anew.
  const wish = { backend: 'system', recorded: chosen.identity } as const;
  t.deepEqual((await chooseBackend(wish, t.fail, surroundings)).identity, chosen.identity);
});

test('rates are those of a library of that version on that kind of processor', (t) => {
  const row = { processor: 'X family 1', library: 'OpenBLAS 0.3.2', float32: 1, float64: 1 };
  t.is(libraryRates({ version: 'OpenBLAS 0.3.2 Haswell' }, 'X family 1', [row]), row);
  t.is(libraryRates({ version: 'OpenBLAS 0.3.21 Haswell' }, 'X family 1', [row]), null);
  t.is(libraryRates({ version: 'OpenBLAS 0.3.2 Haswell' }, 'X family 2', [row]), null);
  t.true(processorFamily().length > 0);
});

test('a library whose rows depend on their place multiplies float64 only', async (t) => {
  const cblas_sgemm = gemm((row) => (row % 16 < 8 ? 0 : 2 ** -23));
  const kernels = await chooseBackend({ backend: 'auto' }, t.fail, koffiWith({ ...sound, cblas_sgemm }));
  t.is(kernels.identity.backend, 'system');
  t.is(kernels.identity.float32, portableBackend.identity.float32);
  const one = { values: Float32Array.of(3), rows: 1, columns: 1 };
  const product = await kernels.fixedProduct(one, 1);
  const out = { values: new Float32Array(1), rows: 1, columns: 1 };
  await product.multiply(one, out);
  t.is(out.values[0], 9);
  await product.release();
});

for (const [what, functions, message] of [
  [
    'float32 products',
    { cblas_sgemm: gemm(() => 1e-4) },
    /a product 37 x 61 x 43 in float32 is \d.*e-5, at most 3\.64e-6/,
  ],
  ['float64 products', { cblas_dgemm: gemm(() => 1e-12) }, /in float64 is \d.*e-13, at most 1\.35e-14/],
  ['products of NaN', { cblas_dgemm: gemm(() => Number.NaN) }, /in float64 is NaN/],
  ['eigenvectors that it leaves alone', { dsyevd_: syevd(0) }, /max \|V\^T V - I\| of order 47 is NaN/],
  ['no convergence', { dsyevd_: syevd(5) }, /dsyevd did not converge \(info = 5\) on a matrix of order 47/],
  ['a refused argument', { dsyevd_: syevd(-3) }, /dsyevd refused its argument 3/],
] as const) {
  test(`a library of ${what} is refused with its figures, and auto says so and is portable`, async (t) => {
    const surroundings = koffiWith({ ...sound, ...(functions as Functions) });
    const notes: string[] = [];
    t.is(
      (await chooseBackend({ backend: 'auto' }, (line) => notes.push(line), surroundings)).identity,
      portableBackend.identity,
    );
    t.is(notes.length, 1);
    t.regex(notes[0]!, /^libmade-up\.so fails the self-test: /);
    t.regex(notes[0]!, message);
    await t.throwsAsync(chooseBackend({ backend: 'system' }, noNotes, surroundings), {
      instanceOf: InputError,
      message,
    });
  });
}

for (const [what, functions, message] of [
  ['without CBLAS', { dsyevd_: syevd(0) }, /it has no cblas_sgemm: it is not a CBLAS/],
  ['without LAPACK', { cblas_sgemm: exact, cblas_dgemm: exact }, /it has no dsyevd_: it is not a LAPACK/],
  [
    'of 64-bit integers, by its names',
    { cblas_dgemm64_: exact },
    /\(ILP64\); the build with 32-bit integers/,
  ],
  [
    'of 64-bit integers, by its word',
    { ...sound, openblas_get_config: () => 'OpenBLAS 0.3.99 USE64BITINT' },
    /\(ILP64\); the build with 32-bit integers/,
  ],
] as const) {
  test(`a library ${what} is refused`, async (t) => {
    const surroundings = koffiWith(functions as Functions);
    t.is((await chooseBackend({ backend: 'auto' }, t.fail, surroundings)).identity, portableBackend.identity);
    await t.throwsAsync(chooseBackend({ backend: 'system' }, noNotes, surroundings), {
      instanceOf: InputError,
      message,
    });
  });
}

koffiTest('--blas with a file that is no library is refused, also in auto', async (t) => {
  const file = path.join(scratchDirectory(t), 'libnone.so');
  writeFileSync(file, 'no library');
  for (const backend of ['auto', 'system'] as const) {
    const error = await t.throwsAsync(chooseBackend({ backend, blas: file }, noNotes), {
      instanceOf: InputError,
    });
    t.true(error.message.includes(`${file}: `), error.message);
    t.regex(error.message, /Name another one, or give --backend portable/);
  }
});

test('auto continues a run with the kernels that began it', async (t) => {
  const surroundings = koffiWith(sound);
  const portable = await chooseBackend(
    { backend: 'auto', recorded: portableBackend.identity },
    t.fail,
    surroundings,
  );
  t.is(portable.identity, portableBackend.identity);
  const recorded = { ...portableBackend.identity, backend: 'system', library: 'libbefore.so' } as const;
  const several = { ...surroundings, libraries: [...libraries, { library: 'libbefore.so', lapack: null }] };
  const system = await chooseBackend({ backend: 'auto', recorded }, t.fail, several);
  t.is(system.identity.library, 'libbefore.so');
});

test('a library that only a file of a run names is not loaded, because its code would run', async (t) => {
  const { loadKoffi } = koffiWith(sound);
  const koffi = await loadKoffi();
  const loaded: string[] = [];
  const watched: Koffi = {
    ...koffi,
    load: (library) => {
      loaded.push(library);
      return koffi.load(library);
    },
  };
  for (const library of ['/elsewhere/libevil.so', './libevil.so', 'libevil.so', '../libmade-up.so', '']) {
    const recorded = { ...portableBackend.identity, backend: 'system', library } as const;
    const surroundings = { libraries, loadKoffi: async () => watched, findDevice: noDevice, ratesOf };
    const { identity } = await chooseBackend({ backend: 'auto', recorded }, t.fail, surroundings);
    t.is(identity.library, 'libmade-up.so');
  }
  t.deepEqual([...new Set(loaded)], ['libmade-up.so']);
});

test('the portable kernels are opened again from their plain data', async (t) => {
  t.is(await openBackend(structuredClone(portableBackend.choice)), portableBackend);
});

systemKernelsTest('system kernels are opened again from their plain data', async (t, kernels) => {
  const opened = await openBackend(structuredClone(kernels.choice));
  t.deepEqual(opened.identity, kernels.identity);
  t.is(await openBackend(kernels.choice), opened);
});

test('a matrix that needs a workspace beyond 32-bit integers is refused before it is allocated', async (t) => {
  const dsyevd_ = (...[, , order, a, , w, work, lwork, integerWork, liwork, status]: Syevd) => {
    if (order[0] === 2 && lwork[0] === -1) {
      work[0] = 2 ** 31;
      status[0] = 0;
      return;
    }
    jacobi(Buffer.from('V'), Buffer.from('U'), order, a, order, w, work, lwork, integerWork, liwork, status);
  };
  const kernels = await chooseBackend({ backend: 'system' }, noNotes, koffiWith({ ...sound, dsyevd_ }));
  await t.throwsAsync(kernels.eigh(Float64Array.of(1, 0, 0, 1), 2), {
    instanceOf: RunError,
    message: /cannot decompose a matrix of order 2\. Try --backend portable/,
  });
});

/** Surroundings without libraries, whose device is made of the portable backend. */
function deviceWith(fixedProduct = portableBackend.fixedProduct): Surroundings {
  const device = webgpuBackend('Made-up, driver 1.0', () => {});
  return { ...koffiWith({}), findDevice: async () => ({ ...device, fixedProduct }) };
}

test('a device is taken where it is asked for, or has begun the run, and never by auto alone', async (t) => {
  const surroundings = deviceWith();
  const { identity, choice } = await chooseBackend({ backend: 'webgpu' }, t.fail, surroundings);
  t.is(
    backendLabel(identity),
    `webgpu, ${portableBackend.identity.float32}; float32 by WebGPU on Made-up, driver 1.0`,
  );
  t.deepEqual(choice, { backend: 'webgpu', adapter: 'Made-up, driver 1.0' });
  const again = await chooseBackend({ backend: 'auto', recorded: identity }, t.fail, surroundings);
  t.true(sameBackend(again.identity, identity));
  t.is((await chooseBackend({ backend: 'auto' }, noNotes, surroundings)).identity, portableBackend.identity);
  await t.throwsAsync(chooseBackend({ backend: 'webgpu', blas: 'libx.so' }, t.fail, surroundings), {
    instanceOf: InputError,
    message: /--blas libx\.so asks for a system library, --backend webgpu for none/,
  });
  await t.throwsAsync(chooseBackend({ backend: 'webgpu' }, t.fail, koffiWith({})), { message: 'no device' });
});

test('a device that computes wrongly, or a row differently by its place, is refused in one line', async (t) => {
  const altered =
    (alter: (out: Float32Array, columns: number) => void): Backend['fixedProduct'] =>
    async (b, threads) => {
      const product = await portableBackend.fixedProduct(b, threads);
      return {
        release: () => product.release(),
        multiply: async (a, out) => {
          await product.multiply(a, out);
          alter(out.values, out.columns);
        },
      };
    };
  const coarse = altered((out) => {
    for (const [k, value] of out.entries()) out[k] = Math.round(value * 1000) / 1000;
  });
  const last = altered((out, columns) => {
    const k = out.length - columns;
    out[k] = out[k]! * (1 + 2 ** -23);
  });
  for (const [fixedProduct, message] of [
    [
      coarse,
      /^WebGPU on Made-up, driver 1\.0 fails the self-test: the relative error of a product .*in float32 is/,
    ],
    [
      last,
      /^WebGPU on Made-up, driver 1\.0 fails the self-test: equal rows have different products\. Try another driver/,
    ],
  ] as const) {
    const error = await t.throwsAsync(
      chooseBackend({ backend: 'webgpu' }, t.fail, deviceWith(fixedProduct)),
      { instanceOf: InputError, message },
    );
    t.false(error.message.includes('\n'));
  }
});
