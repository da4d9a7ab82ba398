import { inspect } from 'node:util';

/** An access token, which no log, error or JSON shows. */
export class Token {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  /** Makes the value of an Authorization header. */
  authorization(): string {
    return `Bearer ${this.#value}`;
  }

  toString(): string {
    return '(token)';
  }

  toJSON(): string {
    return this.toString();
  }

  [inspect.custom](): string {
    return this.toString();
  }
}
