/**
 * Key-value metadata that every file of a run carries.
 * @param layout version of the layout that the file belongs to
 * @param model what the model is called
 */
export function fileMetadata(fingerprint: string, layout: number, model: string): Record<string, string> {
  return { 'eigenshard.fingerprint': fingerprint, 'eigenshard.layout': String(layout), model };
}
