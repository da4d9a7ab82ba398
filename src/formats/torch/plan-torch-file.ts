import { type FileLayout, tensorBytes } from '../layout.js';
import { planZip } from './plan-zip.js';
import { isTensor, pickleEntries, type TorchEntries } from './write-pickle.js';

/**
 * Plans the .pt file that torch.save writes for a dictionary: a zip archive with NAME/data.pkl, NAME/byteorder,
 * NAME/data/0, ... (one storage a tensor, at a multiple of 64 bytes) and NAME/version. torch.load takes it with
 * weights_only=True, and with mmap=True without reading the storages.
 *
 * @param name of the archive's folder; torch.save takes the file's name without '.pt'
 * @param entries the dictionary, in order
 * @returns a layout whose tensors have the names of their keys
 */
export function planTorchFile(name: string, entries: TorchEntries): FileLayout {
  if (name === '' || name.includes('/')) {
    // PyTorch takes what stands before the first slash of a record's name for the folder.
    throw new RangeError(`planTorchFile: an archive's name has no slash and is not empty, unlike '${name}'`);
  }
  const tensors = Object.entries(entries).flatMap(([key, value]) =>
    isTensor(value) ? [{ key, byteLength: tensorBytes(value) }] : [],
  );
  const layout = planZip([
    { name: `${name}/data.pkl`, bytes: pickleEntries(entries) },
    { name: `${name}/byteorder`, bytes: Buffer.from('little') },
    ...tensors.map(({ byteLength }, index) => ({ name: `${name}/data/${index}`, byteLength })),
    { name: `${name}/version`, bytes: Buffer.from('3\n') },
  ]);
  return {
    ...layout,
    tensors: layout.tensors.map((place, index) => ({ ...place, name: tensors[index]!.key })),
  };
}
