/**
 * Does `work` within one day, UTC: again where midnight fell into it. Exports say on which day their run began, so that
 * runs to be compared byte for byte must begin on the same.
 */
export async function withinOneDay<Result>(work: () => Promise<Result>): Promise<Result> {
  const today = () => new Date().toISOString().slice(0, 10);
  for (;;) {
    const day = today();
    const result = await work();
    if (today() === day) return result;
  }
}
