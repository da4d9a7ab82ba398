/**
 * The failures that eigenshard names itself. `kind` is what callers switch on: it survives the way across a
 * thread boundary, where the class does not (see `toPlainError`).
 */
export type ErrorKind = 'input' | 'run' | 'verification' | 'interrupted' | 'worker-died';

/** The process exit code of each kind of failure. */
export const exitCodes: Readonly<Record<ErrorKind, number>> = {
  run: 1,
  'worker-died': 1,
  input: 2,
  verification: 3,
  interrupted: 130,
};

export class EigenshardError extends Error {
  readonly kind: ErrorKind;
  /** Whether something that was finished until then is kept, from which the same command can go on. */
  isResumable = false;

  constructor(kind: ErrorKind, message: string, options?: { cause?: unknown }) {
    super(withShortLines(message), options);
    this.name = 'EigenshardError';
    this.kind = kind;
  }
}

/** Characters of a line of a message, and how many of a longer one are kept: what is wrong, and what to do. */
const LONGEST_LINE = 6100;
const KEPT_BEGIN = 5000;
const KEPT_END = 1000;

/** Names in a message may come from a file, and be as long as that. A path has some 4,000 characters at most. */
function withShortLines(message: string): string {
  if (message.length <= LONGEST_LINE) return message;
  const short = (line: string) => {
    if (line.length <= LONGEST_LINE) return line;
    const left = line.length - KEPT_BEGIN - KEPT_END;
    return `${line.slice(0, KEPT_BEGIN)} [... ${left} characters ...] ${line.slice(-KEPT_END)}`;
  };
  return message.split('\n').map(short).join('\n');
}

/** Wrong arguments, configuration or input: the message says where, what was expected, what came, what to do. */
export class InputError extends EigenshardError {
  constructor(message: string, options?: { cause?: unknown }) {
    super('input', message, options);
    this.name = 'InputError';
  }
}

/** The computation could not be carried out (disk full, solver did not converge, ...). */
export class RunError extends EigenshardError {
  constructor(message: string, options?: { cause?: unknown }) {
    super('run', message, options);
    this.name = 'RunError';
  }
}

/** The bytes on disk do not pass a check. */
export class VerificationError extends EigenshardError {
  constructor(message: string, options?: { cause?: unknown }) {
    super('verification', message, options);
    this.name = 'VerificationError';
  }
}

/** The part of an error that a structured clone carries across threads. */
export interface PlainError {
  /** Null for an error that nobody foresaw, a fault of the program. */
  kind: ErrorKind | null;
  name: string;
  message: string;
  stack: string | undefined;
}

/** Takes an error apart, to be sent to another thread. */
export function toPlainError(error: unknown): PlainError {
  if (!(error instanceof Error))
    return { kind: null, name: 'Error', message: String(error), stack: undefined };
  const { name, message, stack } = error;
  return { kind: error instanceof EigenshardError ? error.kind : null, name, message, stack };
}

/** Puts an error together that another thread has sent. */
export function fromPlainError({ kind, name, message, stack }: PlainError): Error {
  const error = kind === null ? Object.assign(new Error(message), { name }) : errorOfKind(kind, message);
  if (stack !== undefined) error.stack = stack;
  return error;
}

/** Makes the error of a kind, of the class that the kind has. */
export function errorOfKind(
  kind: ErrorKind,
  message: string,
  options?: { cause?: unknown },
): EigenshardError {
  switch (kind) {
    case 'input':
      return new InputError(message, options);
    case 'run':
      return new RunError(message, options);
    case 'verification':
      return new VerificationError(message, options);
    default:
      return new EigenshardError(kind, message, options);
  }
}
