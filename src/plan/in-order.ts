/**
 * Makes a function that takes results in any order and hands them to `merge` in that of their index, from 0, each as
 * soon as it can: for reductions whose bits must not depend on timing.
 */
export function inOrder<Result>(
  merge: (result: Result, index: number) => void,
): (result: Result, index: number) => void {
  const early = new Map<number, Result>();
  let merged = 0;
  return (result, index) => {
    early.set(index, result);
    for (let ready = early.get(merged); ready !== undefined; ready = early.get(merged)) {
      early.delete(merged);
      merge(ready, merged++);
    }
  };
}
