/**
 * The failures that eigenshard names itself. `kind` is what callers switch on: it survives the way across a
 * thread boundary, where the class does not (see `toPlainError`).
 */
export type ErrorKind = 'input' | 'run' | 'verification' | 'interrupted' | 'worker-died';

/** The process exit code of each kind of failure, but for what passes: see `exitCodeOf`. */
export const exitCodes: Readonly<Record<ErrorKind, number>> = {
  run: 1,
  'worker-died': 1,
  input: 2,
  verification: 3,
  interrupted: 130,
};

/** The process exit code of what may be gone when the same command is run again: EX_TEMPFAIL of sysexits.h. */
const PASSING_EXIT_CODE = 75;

export class EigenshardError extends Error {
  readonly kind: ErrorKind;
  /** Whether something that was finished until then is kept, from which the same command can go on. */
  isResumable = false;
  /**
   * Whether the same command may succeed later, or on another machine, with nothing about it changed: a full disk, no
   * memory, no network. A thread that died has most likely met the end of the memory.
   */
  isPassing: boolean;

  constructor(kind: ErrorKind, message: string, options?: { cause?: unknown }) {
    super(withShortLines(message), options);
    this.name = 'EigenshardError';
    this.kind = kind;
    this.isPassing = kind === 'worker-died';
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

/** The process exit code of a failure. */
export function exitCodeOf(failure: EigenshardError): number {
  if (failure instanceof TerminatedError) return 143;
  return failure.isPassing ? PASSING_EXIT_CODE : exitCodes[failure.kind];
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

/** A RunError whose reason lies with the machine or the network, and may be gone when the same command is run again. */
export class PassingError extends RunError {
  constructor(message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.isPassing = true;
  }
}

/** The end that SIGTERM asked for, which schedulers tell from Ctrl-C. */
export class TerminatedError extends EigenshardError {
  constructor(options?: { cause?: unknown }) {
    super('interrupted', 'interrupted', options);
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
  isPassing: boolean;
  name: string;
  message: string;
  stack: string | undefined;
}

/** Takes an error apart, to be sent to another thread. */
export function toPlainError(error: unknown): PlainError {
  if (!(error instanceof Error))
    return { kind: null, isPassing: false, name: 'Error', message: String(error), stack: undefined };
  const { name, message, stack } = error;
  const { kind, isPassing } = error instanceof EigenshardError ? error : { kind: null, isPassing: false };
  return { kind, isPassing, name, message, stack };
}

/** Puts an error together that another thread has sent. */
export function fromPlainError({ kind, isPassing, name, message, stack }: PlainError): Error {
  const error =
    kind === null
      ? Object.assign(new Error(message), { name })
      : Object.assign(errorOfKind(kind, message), { isPassing });
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
