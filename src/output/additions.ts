import { type Manifest, REPORT_NAME } from './manifest.js';
import { identityOfManifest } from './manifest-identity.js';
import type { RunIdentity } from './run-identity.js';
import type { PlanOfRun } from './run-plan.js';

/** What has been made of the data of a run, or is to be: tables, exports, a report. */
export interface Additions extends Pick<RunIdentity, 'tables'> {
  /** Kinds of export. */
  exports: RunIdentity['exports'];
  /** Names of the exports, as the manifest has them. */
  paths: string[];
  hasReport: boolean;
}

/** What a finished run has. */
export function additionsOfManifest(manifest: Manifest): Additions {
  const { tables, exports } = identityOfManifest(manifest);
  const { report, exports: files } = manifest;
  return { tables, exports, paths: files.map((file) => file.path), hasReport: report?.path === REPORT_NAME };
}

/** What a run is to have. */
export function additionsOfPlan({ identity, exports, report }: PlanOfRun): Additions {
  const { tables, exports: kinds } = identity;
  return { tables, exports: kinds, paths: exports.map((file) => file.path), hasReport: report };
}
