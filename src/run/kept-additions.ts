import type { Additions } from '../output/additions.js';
import { exportKinds } from '../output/export-kinds.js';
import { exportName, exportTargets } from '../output/exports.js';
import type { Config } from './config.js';

/** A run that is continued or mended, as far as it tells which exports and tables it has. */
interface RecordedRun {
  /** Output directory, absolute. */
  path: string;
  /** Null where there is none, or it is to be replaced. */
  additions: Additions | null;
}

/**
 * Asks for the exports, tables and lists of a run that lies there beside those that are asked for: they may have been added
 * since, and a run that is continued or mended keeps them. Exports that have places of their own are left out, which only
 * the user names: a record may come from anywhere.
 *
 * @param note is told what is kept
 */
export function withKeptAdditions(
  config: Config,
  { path: directory, additions: recorded }: RecordedRun,
  note: (line: string) => void,
): Config {
  if (recorded === null) return config;
  const { tables, exports } = recorded;
  const kept = exportKinds.filter(
    (kind) =>
      exports.includes(kind) &&
      config.exports[kind] === undefined &&
      exportTargets({ [kind]: true }, directory).every((target) =>
        recorded.paths.includes(exportName(directory, target.path)),
      ),
  );
  const top = tables === null ? 0 : tables.top;
  const hasMore = tables !== null && (config.tables === 'none' || top > config.top);
  const options = [
    ...(kept.length === 0 ? [] : [`--export ${kept.join(',')}`]),
    ...(hasMore ? [`--tables all --top ${top}`] : []),
  ];
  if (options.length > 0) note(`${directory}: the run there also has ${options.join(' ')}, which it keeps`);
  return {
    ...config,
    exports: { ...config.exports, ...Object.fromEntries(kept.map((kind) => [kind, true])) },
    ...(hasMore ? { tables: 'all', top } : {}),
    report: config.report || recorded.hasReport,
  };
}
