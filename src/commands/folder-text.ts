import { readFolderRecord } from '../output/recorded-folder.js';
import type { RecordedKindName } from '../output/recorded-kinds.js';

/** What is recorded of a folder that was made of finished runs, and that as a screen of text. */
interface ShownFolder {
  record: object;
  text: string;
}

/** What reads the record of each kind of such folders, and shows what it has: each loads its own kind alone. */
const readers: Readonly<Record<RecordedKindName, (directory: string) => Promise<ShownFolder>>> = {
  comparison: async (directory) => {
    const { readComparison } = await import('../output/comparison-folder.js');
    const { comparedText } = await import('./compare-text.js');
    const comparison = readComparison(directory);
    return { record: comparison, text: comparedText({ directory, comparison }) };
  },
  series: async (directory) => {
    const { readSeries } = await import('../output/series-folder.js');
    const { seriesText } = await import('./series-text.js');
    const series = readSeries(directory);
    return { record: series, text: seriesText({ directory, series }) };
  },
  concepts: async (directory) => {
    const { conceptFolders } = await import('../output/concept-folder.js');
    const { recordedConceptsText } = await import('./concepts-text.js');
    const record = readFolderRecord(conceptFolders, directory);
    return { record, text: recordedConceptsText(directory, record) };
  },
  projected: async (directory) => {
    const { projectedFolders } = await import('../output/projected-folder.js');
    const { projectedText } = await import('./project-text.js');
    const manifest = readFolderRecord(projectedFolders, directory);
    return { record: manifest, text: projectedText({ directory, manifest, isNew: true }) };
  },
  undertrained: async (directory) => {
    const { undertrainedFolders } = await import('../output/undertrained-folder.js');
    const { recordedUndertrainedText } = await import('./undertrained-text.js');
    const record = readFolderRecord(undertrainedFolders, directory);
    return { record, text: recordedUndertrainedText(directory, record) };
  },
};

/**
 * Reads again what a folder has that was made of finished runs.
 *
 * @throws VerificationError where its record is not as it was written
 */
export function readFolder(kind: RecordedKindName, directory: string): Promise<ShownFolder> {
  return readers[kind](directory);
}
