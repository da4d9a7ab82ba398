import { scratchDirectory } from '../helpers/fixtures.js';
import { readProjections, runHere, shardedModel, verifyHere } from '../helpers/runs.js';
import { webgpuTest } from '../helpers/webgpu.js';

webgpuTest(
  'a run on a device is that of the processor but for rounding, goes on where it was interrupted, and verifies',
  async (t, { identity }) => {
    const [rows, hidden] = [2000, 64];
    const { directory: model, gamma } = shardedModel(t, rows, hidden);
    const [portable, out] = [scratchDirectory(t), scratchDirectory(t)];
    const asked = { model, partitionRows: 700, format: 'both' } as const;
    await runHere({ ...asked, out: portable });
    await t.throwsAsync(runHere({ ...asked, out, backend: 'webgpu' }, { interruptAt: 'verification' }), {
      message: 'interrupted',
    });
    await t.throwsAsync(runHere({ ...asked, out }, { resume: true }), {
      message: /computed by other kernels \(webgpu, .* Give --backend webgpu, or start again/,
    });
    const { manifest } = await runHere({ ...asked, out, backend: 'auto' }, { resume: true });
    t.deepEqual(manifest.execution.kernels, identity);
    t.regex(identity.float32, /^WebGPU on .+, .+ [\d.]+/);
    t.true((await verifyHere(out)).verification.passed);

    const [expected, actual] = [await readProjections(portable), await readProjections(out)];
    let worst = 0;
    for (let i = 0; i < rows; i++) {
      const norm = Math.hypot(...gamma.subarray(i * hidden, (i + 1) * hidden));
      for (let k = i * hidden; k < (i + 1) * hidden; k++)
        worst = Math.max(worst, Math.abs(actual.values[k]! - expected.values[k]!) / norm);
    }
    t.log(`largest difference of a projection: ${worst.toExponential(2)} of its row's norm`);
    // Each side rounds d products and sums, whose magnitudes are at most the norms of a row and of an eigenvector.
    t.true(worst <= 2 * hidden * 2 ** -24);
  },
);

webgpuTest('projections by a device have equal bytes whatever the workers and partitions', async (t) => {
  const { directory: model } = shardedModel(t, 1100, 24);
  const computed = async (workers: number, partitionRows: number) => {
    const out = scratchDirectory(t);
    await runHere({ model, out, backend: 'webgpu', tables: 'none', workers, partitionRows });
    return readProjections(out);
  };
  t.deepEqual(await computed(1, 1100), await computed(2, 300));
});
