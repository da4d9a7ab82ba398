import { PassingFailure } from './retry.js';

export interface StallWatch {
  signal: AbortSignal;
  progress(): void;
  stop(): void;
}

/**
 * Notices that nothing comes from a host any more.
 * @returns `signal` aborts with a PassingFailure `seconds` after the last `progress`, or when `outer` does
 */
export function stallWatch(host: string, seconds: number, outer?: AbortSignal): StallWatch {
  const controller = new AbortController();
  const timer = setTimeout(() => {
    controller.abort(new PassingFailure(`${host}: nothing came for ${seconds} s`));
  }, seconds * 1000);
  const signal = outer === undefined ? controller.signal : AbortSignal.any([controller.signal, outer]);
  return {
    signal,
    progress: () => void timer.refresh(),
    stop: () => clearTimeout(timer),
  };
}
