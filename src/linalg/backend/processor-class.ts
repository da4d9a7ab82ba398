import { readFileSync } from 'node:fs';
import { arch, cpus } from 'node:os';

/** Instruction sets by which libraries choose their kernels, whose last bits then differ. */
const INSTRUCTION_SETS = [
  ...['sse4_2', 'avx', 'fma', 'avx2', 'avx_vnni', 'avx512f', 'avx512dq', 'avx512bw', 'avx512vl'],
  ...['avx512_vnni', 'avx512_bf16', 'amx_bf16', 'asimd', 'asimddp', 'i8mm', 'sve', 'bf16'],
];

/**
 * Class of this machine's processor: two machines of one class run the same kernels. Where the system tells no more, it is
 * the processor's name.
 */
export function processorClass(): string {
  const named = `${arch()} ${cpus()[0]?.model.trim() ?? 'unknown'}`;
  const info = processorInformation();
  const fields = ['vendor_id', 'cpu family', 'model', 'CPU implementer', 'CPU part'];
  const values = fields.map((field) => info.get(field)).filter((value) => value !== undefined);
  const flags = flagsOf(info);
  if (values.length === 0) return named;
  return [arch(), ...values, ...INSTRUCTION_SETS.filter((name) => flags.has(name))].join(' ');
}

/**
 * Names the kind of this machine's processor, all models of which are alike in what is fast: its vendor and family, and
 * whether it has AVX-512, as Zen 4 has and Zen 3, of the same family, has not.
 */
export function processorFamily(): string {
  const info = processorInformation();
  const [vendor, family] = ['vendor_id', 'cpu family'].map((field) => info.get(field));
  if (vendor === undefined) return processorClass();
  return `${vendor} family ${family}${flagsOf(info).has('avx512f') ? ' with AVX-512' : ''}`;
}

function flagsOf(info: ReadonlyMap<string, string>): ReadonlySet<string> {
  return new Set((info.get('flags') ?? info.get('Features') ?? '').split(' '));
}

/** What Linux tells of its first processor, by the name of the field. */
function processorInformation(): Map<string, string> {
  try {
    const [first = ''] = readFileSync('/proc/cpuinfo', 'utf8').split('\n\n');
    return new Map(
      first.split('\n').map((line) => {
        const [field = '', value = ''] = line.split(':');
        return [field.trim(), value.trim()];
      }),
    );
  } catch {
    return new Map();
  }
}
