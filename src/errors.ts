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

  constructor(kind: ErrorKind, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'EigenshardError';
    this.kind = kind;
  }
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
  kind: ErrorKind;
  message: string;
  stack: string | undefined;
}

export function toPlainError(error: unknown): PlainError {
  if (error instanceof EigenshardError) {
    return { kind: error.kind, message: error.message, stack: error.stack };
  }
  if (error instanceof Error) return { kind: 'run', message: error.message, stack: error.stack };
  return { kind: 'run', message: String(error), stack: undefined };
}

export function fromPlainError({ kind, message, stack }: PlainError): EigenshardError {
  const error =
    kind === 'input'
      ? new InputError(message)
      : kind === 'verification'
        ? new VerificationError(message)
        : new EigenshardError(kind, message);
  if (stack !== undefined) error.stack = stack;
  return error;
}
