/**
 * How many times as long as by default the campaigns are that try seeded damage, hostile files, kills and refusals: a few
 * seconds each, and the tests that take more with EIGENSHARD_CAMPAIGN=20.
 */
const FACTOR = Number(process.env.EIGENSHARD_CAMPAIGN ?? 1);

/** What a test lacks that waits half a minute for others; null within a campaign. */
export const campaignLack =
  process.env.EIGENSHARD_CAMPAIGN === undefined ? 'takes long: set EIGENSHARD_CAMPAIGN=1' : null;

/** Number of trials of a campaign, by the number that takes a few seconds. */
export function trials(short: number): number {
  return Math.max(1, Math.round(short * FACTOR));
}

/** Time that a campaign may take on a busy machine, in milliseconds. @param seconds a trial */
export function timeOf(count: number, seconds: number): number {
  return Math.max(600, count * seconds) * 1000;
}
