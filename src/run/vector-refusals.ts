import { InputError } from '../errors.js';
import type { Manifest } from '../output/manifest.js';
import { type VectorKind, vectorKinds } from '../plan/vector-kind.js';
import { figure } from '../text/figures.js';
import { shownValue } from '../text/shown-value.js';

/**
 * Refuses vectors of which nobody says of which kind they are.
 *
 * @throws InputError of three lines: what the kinds are, and what is at stake
 */
export function explainKind(
  directory: string,
  kind: VectorKind | undefined,
  { eigenvalues: { conditionNumber } }: Pick<Manifest, 'eigenvalues'>,
): void {
  if (vectorKinds.some((known) => known === kind)) return;
  const came = kind === undefined ? '' : `, not ${shownValue(kind)}`;
  throw new InputError(
    [
      `${directory}: say what the vectors are with --kind token or hidden${came}; there is no default, since the wrong one is ` +
        `off by up to kappa^2 (${figure(conditionNumber ** 2)} here) and still looks like a ranking`,
      '  token: compared with rows, such as differences of rows, concepts and probes of tokens; the dual M g is a steering vector',
      '  hidden: multiplied with rows, such as hidden states, decoder rows of an SAE, steering vectors and neurons',
    ].join('\n'),
  );
}

/**
 * Refuses vectors of which nobody says where they lie, where that makes a difference, and those of the other side of the
 * norm than the rows of the run are multiplied with.
 *
 * @throws InputError of three lines: what the spaces are; of one for those of the other side
 */
export function explainSpace(
  directory: string,
  {
    kind,
    space,
    duals = true,
  }: { kind: VectorKind; space?: string | undefined; duals?: boolean | undefined },
  { model: { norm } }: Pick<Manifest, 'model'>,
): void {
  const own = norm === null ? 'normed' : 'residual';
  if (space === own || (space === undefined && kind === 'token' && !duals)) return;
  if (space === 'residual')
    throw new InputError(
      `${directory}: its rows are those behind the final norm, and --space residual is before it: compute a run with ` +
        '--fold-norm yes, and project on that one, or multiply the vectors by the weight of the norm, and say normed',
    );
  if (space === 'normed')
    throw new InputError(
      `${directory}: the final norm is folded into its rows, which are multiplied with vectors before its weight: project ` +
        'vectors behind it on a run without --fold-norm, or divide them by the weight, and say --space residual',
    );
  const came = space === undefined ? '' : `, not ${shownValue(space)}`;
  throw new InputError(
    [
      `${directory}: say where the vectors lie with --space normed or residual${came}; there is no default, since the final ` +
        "norm's weight stands between the two",
      '  normed: behind the final norm, where rows are multiplied with them: logits = gamma . u',
      '  residual: in the residual stream, as decoder rows of most SAEs are: logits = gamma . (D u), D the weight of the norm',
    ].join('\n'),
  );
}
