// Runs the command lines that come by messages, one after the other, and answers with what each printed and its exit code.
import { main } from '../../src/cli.js';

process.on('message', async ({ args }: { args: string[] }) => {
  const printed = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const) {
    process[stream].write = (text: string | Uint8Array, ...rest: unknown[]) => {
      printed[stream] += text;
      const done = rest.at(-1);
      if (typeof done === 'function') done();
      return true;
    };
  }
  process.send!({ code: await main(args), ...printed });
});
process.on('disconnect', () => process.exit());
