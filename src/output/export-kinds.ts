/** The formats in which a run can be exported. */
export const exportKinds = ['pt', 'safetensors', 'npy'] as const;
export type ExportKind = (typeof exportKinds)[number];
