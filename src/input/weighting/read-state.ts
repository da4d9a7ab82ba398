import { InputError } from '../../errors.js';
import { withFile } from '../../files/open-file.js';
import { elementCount } from '../../formats/shape.js';
import { readStrided } from '../../formats/strided.js';
import { candidatesOf, candidatesText } from '../vectors.js';

const ROLE = 'the hidden state';

/**
 * Reads one hidden state, [d], from a .npy, .safetensors or .pt file in which it is the only one.
 *
 * @param hidden d
 * @returns the state, and the tensor's name in the file; null where that is one bare tensor
 * @throws InputError where the file holds none of d components, or several, or a component is no finite number
 */
export async function readState(
  file: string,
  hidden: number,
): Promise<{ state: Float64Array; tensor: string | null }> {
  const { candidates } = await candidatesOf(file, ROLE);
  // [d], and [1, d] or [d, 1].
  const fitting = candidates.filter(
    ({ shape }) => shape.length <= 2 && shape.includes(hidden) && elementCount(shape) === hidden,
  );
  const [chosen] = fitting;
  if (chosen === undefined || fitting.length > 1) {
    const found = candidatesText(chosen === undefined ? candidates : fitting);
    throw new InputError(
      `${file}: expected one hidden state, a tensor of ${hidden} or 1 x ${hidden} components; found ${found}; save the state alone`,
    );
  }
  const { dtype, byteOffset, strides: given } = chosen.place();
  const strides = [0, given[chosen.shape.length === 2 && chosen.shape[0] === 1 ? 1 : 0]!];
  const state = await withFile(file, ROLE, (opened) =>
    readStrided(opened, { dtype, shape: [1, hidden], strides, byteOffset }),
  );
  const index = state.findIndex((value) => !Number.isFinite(value));
  if (index < 0) return { state, tensor: chosen.name };
  throw new InputError(
    `${file}: component ${index} of the hidden state is ${state[index]}, expected finite numbers; save another state`,
  );
}
