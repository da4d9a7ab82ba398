import { PickleMachine } from './pickle-machine.js';
import { opcodes, refusedOpcodes, STOP } from './pickle-opcodes.js';
import type { PickleRules, PickleValue } from './pickle-value.js';

/** Bounds the values alive, some 200 bytes each at most. A tensor takes some 30 opcodes, a string 2. */
export const MAX_PICKLE_OPCODES = 2_000_000;

/**
 * Reads a pickle of protocol 2 to 5 without executing anything: of Python's opcodes only those that torch.save
 * writes, of its globals only those of `rules`. Work and memory are bounded by the bytes and by
 * MAX_PICKLE_OPCODES, because an opcode pushes at most one value, and nothing recurses.
 *
 * @param where file and entry, for messages
 * @throws InputError naming the opcode or global that is refused, and its position
 */
export function readPickle(bytes: Uint8Array, where: string, rules: PickleRules): PickleValue {
  const machine = new PickleMachine(bytes, where, rules);
  machine.readProtocol();
  for (let count = 0; count < MAX_PICKLE_OPCODES; count++) {
    const code = machine.nextOpcode();
    if (code === STOP) return machine.finish();
    const step = opcodes.get(code);
    if (step === undefined) {
      const name = refusedOpcodes.get(code) ?? 'unknown';
      return machine.fail(`the opcode 0x${code.toString(16).padStart(2, '0')} (${name}) is not allowed`);
    }
    step(machine);
  }
  return machine.fail(`it has more than ${MAX_PICKLE_OPCODES} opcodes`);
}
