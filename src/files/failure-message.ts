import { EigenshardError } from '../errors.js';
import { asInputError } from './read-error.js';
import { systemError } from './system-error.js';
import { asOutputError } from './write-error.js';

/** Calls that change something. */
const writingCalls = /write|sync|truncate|mkdir|rename|unlink|rm|link|copyfile|chmod|utime/;

/**
 * Explains a refusal of the system that nobody explained where it came up, by the path that the system names. Every
 * other error comes back as it is.
 */
export function explained(error: unknown): unknown {
  const refusal = systemError(error);
  if (refusal === null) return error;
  const { syscall = '', path = 'a file of the run' } = refusal;
  return writingCalls.test(syscall) ? asOutputError(error, path) : asInputError(error, path, 'it');
}

/**
 * Says on one line, or on those of the failure itself, what went wrong. What no one foresaw is said to be a fault of
 * this program, and where it happened only to who asks for it.
 *
 * @param environment of the process: with EIGENSHARD_DEBUG=1 the stack is part of the text
 */
export function failureMessage(
  error: unknown,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): string {
  const failure = explained(error);
  const isDebugged = environment.EIGENSHARD_DEBUG === '1';
  if (failure instanceof EigenshardError) {
    return isDebugged ? `${failure.message}\n${stackOf(failure)}` : failure.message;
  }
  const text = failure instanceof Error ? `${failure.name}: ${failure.message}` : textOf(failure);
  const line = text.replace(/\s+/g, ' ').slice(0, LONGEST_LINE);
  if (isDebugged) return `unexpected: ${line}; this is a fault of eigenshard\n${stackOf(failure)}`;
  return `unexpected: ${line}; this is a fault of eigenshard: set EIGENSHARD_DEBUG=1 for the stack`;
}

const LONGEST_LINE = 500;

function stackOf(error: unknown): string {
  if (!(error instanceof Error)) return 'without a stack';
  const { stack = 'without a stack', cause } = error;
  return cause instanceof Error ? `${stack}\ncaused by ${stackOf(cause)}` : stack;
}

function textOf(value: unknown): string {
  try {
    return String(value);
  } catch {
    return 'a value that has no text';
  }
}
