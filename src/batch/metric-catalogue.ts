import { type Metric, readMetric } from '../input/metric.js';

/** Catalogue of given metrics, by file and hidden size: each is read and checked once, however many runs share it. */
export class MetricCatalogue {
  readonly #known = new Map<string, Promise<Omit<Metric, 'matrix'>>>();

  /** Metric of a file without its matrix. @throws InputError as readMetric, again for every run that names the file */
  read(file: string, hidden: number): Promise<Omit<Metric, 'matrix'>> {
    const key = JSON.stringify([file, hidden]);
    let metric = this.#known.get(key);
    if (metric === undefined) {
      // The matrix is let go: the run reads it again when its turn comes.
      metric = readMetric(file, { hiddenSize: hidden }).then(({ matrix: _, ...rest }) => rest);
      this.#known.set(key, metric);
    }
    return metric;
  }
}
