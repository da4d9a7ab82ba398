import type { z } from 'zod';
import { shownValue } from '../text/shown-value.js';

/** Says what a value of a configuration should have been, in words that need no knowledge of its schema. */
export function expectation(issue: z.core.$ZodIssue): string {
  // The schema's own words, where it has some.
  if (issue.message.startsWith('expected ')) return issue.message;
  switch (issue.code) {
    case 'too_big':
      return `expected at most ${issue.maximum}`;
    case 'too_small':
      return issue.origin === 'string'
        ? 'expected a text that is not empty'
        : `expected at least ${issue.minimum}`;
    case 'invalid_value':
      return `expected ${issue.values.map((value) => shownValue(value)).join(' or ')}`;
    case 'invalid_type':
      return `expected ${typeNames[issue.expected] ?? issue.expected}`;
    default:
      return issue.message;
  }
}

/** Types of a configuration, for a person. */
const typeNames: Readonly<Record<string, string>> = {
  int: 'a whole number',
  number: 'a number',
  string: 'a text',
  boolean: 'true or false',
  object: 'an object, { ... }',
  array: 'a list, [ ... ]',
};
