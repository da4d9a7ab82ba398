import type { RunStore } from '../output/run-store.js';

/**
 * Keeps a script with its run, as `submissions/001-slurm.sh`, under the first number that no script has.
 *
 * @param engine name of the engine
 * @param text of the script
 * @returns its name in the store
 */
export function keepScript(store: RunStore, engine: string, text: string): string {
  const numbers = store.list('submissions').map((name) => Number.parseInt(name, 10) || 0);
  for (let number = Math.max(0, ...numbers) + 1; ; number++) {
    const name = `submissions/${String(number).padStart(3, '0')}-${engine}.sh`;
    // Somebody else may have submitted the run at the same time.
    if (store.publish(name, [Buffer.from(text)]) === 'published') return name;
  }
}
