import { InputError } from '../errors.js';
import type { FoundVectors } from '../input/vectors.js';
import type { Manifest } from '../output/manifest.js';
import { type VectorKind, vectorKinds } from '../plan/vector-kind.js';
import { figure } from '../text/figures.js';
import { shownValue } from '../text/shown-value.js';
import { isNormRead, type NormOfVectors } from './vector-norm.js';

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
 * Refuses vectors of which nobody says where they lie, where that makes a difference, and those from which no way leads to
 * the side of the norm on which the rows of the run are.
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
  const isFolded = norm !== null;
  if (space === undefined && kind === 'token' && !duals) return;
  if (space === 'residual') {
    if (isFolded || kind === 'hidden') return;
    throw new InputError(
      `${directory}: its rows are those behind the final norm, and the duals of token-like vectors lie there, too: say ` +
        '--space normed, or project on a run with --fold-norm yes, whose duals lie before it',
    );
  }
  if (space === 'normed' && !isFolded) return;
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

/**
 * Refuses what is said of the final norm where it is not read: vectors meet the rows as they are.
 *
 * @throws InputError
 */
export function refuseIdleNorm(
  directory: string,
  { space, model: moved, normRule }: NormOfVectors,
  { model }: Pick<Manifest, 'model'>,
): void {
  if (isNormRead(space, model)) return;
  const [idle] = Object.entries({ '--model': moved, '--norm-rule': normRule }).filter(
    ([, said]) => said !== undefined,
  );
  if (idle === undefined) return;
  const why =
    model.norm === null ? 'the vectors lie behind it' : 'the run has folded it into its rows already';
  throw new InputError(
    `${directory}: ${idle[0]} says something of the final norm, which is not read here, since ${why}: leave it away`,
  );
}

/** Refuses vectors whose file says that they are of another kind. @throws InputError */
export function refuseOtherKind(
  { file, kind: said }: Pick<FoundVectors, 'file' | 'kind'>,
  kind: VectorKind,
): void {
  if (said === null || said === kind) return;
  throw new InputError(
    `${file}: its metadata say that these vectors are ${said}-like, --kind says ${kind}; give the kind that they ` +
      'are, or remove the metadata where they are wrong',
  );
}
