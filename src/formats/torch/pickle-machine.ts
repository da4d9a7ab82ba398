import { InputError } from '../../errors.js';
import {
  type Fail,
  isKind,
  isOpaque,
  isTuple,
  opaque,
  type PickleGlobal,
  type PickleRules,
  type PickleValue,
} from './pickle-value.js';

/** The stack machine that a pickle is a program for. Which opcode does what is in pickle-opcodes.ts. */
export class PickleMachine {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #where: string;
  readonly #rules: PickleRules;
  readonly #memo = new Map<number, PickleValue>();
  /** Values since the last mark, and the stacks that wait below each mark. */
  #stack: PickleValue[] = [];
  readonly #below: PickleValue[][] = [];
  #position = 0;
  /** Position of the opcode at work, for messages. */
  #opcodeStart = 0;

  constructor(bytes: Uint8Array, where: string, rules: PickleRules) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#where = where;
    this.#rules = rules;
  }

  /** @throws InputError where the pickle is not of protocol 2 to 5 */
  readProtocol(): void {
    if (this.uint8() !== PROTO) this.fail('it does not begin with a protocol number (2 to 5)');
    const protocol = this.uint8();
    if (protocol < 2 || protocol > 5) this.fail(`its protocol is ${protocol}, expected 2 to 5`);
  }

  nextOpcode(): number {
    this.#opcodeStart = this.#position;
    return this.uint8();
  }

  /** The pickle's one value, at its end. */
  finish(): PickleValue {
    const value = this.pop();
    if (this.#stack.length > 0 || this.#below.length > 0) this.fail('it leaves more than one value');
    const left = this.#bytes.length - this.#position;
    if (left > 0) this.fail(`${left} bytes follow its end`);
    return value;
  }

  /** An arrow function, so that it can be handed on as it is. */
  readonly fail: Fail = (problem) => {
    throw new InputError(
      `${this.#where}, byte ${this.#opcodeStart}: cannot read the pickle: ${problem}; nothing of it was executed. ` +
        'Save plain tensors, numbers and strings in a dictionary with torch.save',
    );
  };

  push(value: PickleValue): void {
    this.#stack.push(value);
  }

  pop(): PickleValue {
    const value = this.#stack.pop();
    return value === undefined ? this.fail('it takes a value from an empty stack') : value;
  }

  top(): PickleValue {
    const value = this.#stack.at(-1);
    return value === undefined ? this.fail('it takes a value from an empty stack') : value;
  }

  mark(): void {
    this.#below.push(this.#stack);
    this.#stack = [];
  }

  /** Everything since the last mark. */
  popToMark(): PickleValue[] {
    const values = this.#stack;
    this.#stack = this.#below.pop() ?? this.fail('it closes a mark that was never set');
    return values;
  }

  pushTuple(count: number): void {
    const values = Array.from({ length: count }, () => this.pop());
    this.push(Object.freeze(values.reverse()));
  }

  append(values: readonly PickleValue[]): void {
    const list = this.top();
    if (isOpaque(list)) return;
    if (!isList(list)) this.fail('it appends to something that is no list');
    for (const value of values) list.push(value);
  }

  /** @param items key, value, key, value, ... */
  setItems(items: readonly PickleValue[]): void {
    const map = this.top();
    if (isOpaque(map)) return;
    if (!(map instanceof Map)) this.fail('it sets an item of something that is no dictionary');
    if (items.length % 2 !== 0) this.fail('it sets a dictionary key without a value');
    for (let i = 0; i < items.length; i += 2) {
      const key = items[i]!;
      if (key instanceof Map || (Array.isArray(key) && !isTuple(key))) {
        this.fail('a dictionary key is a dictionary or a list');
      }
      if (isLargeNumber(key)) this.fail('a dictionary key is a number, and no whole one below 2^24');
      map.set(key, items[i + 1]!);
    }
  }

  memoPut(index: number): void {
    if (index >= MOST_NUMBERS) this.fail(`it puts memo ${index}, and no pickle that is read has so many`);
    this.#memo.set(index, this.top());
  }

  memoAppend(): void {
    this.memoPut(this.#memo.size);
  }

  memoGet(index: number): void {
    const value = this.#memo.get(index);
    this.push(value === undefined ? this.fail(`it takes memo ${index}, which was never put`) : value);
  }

  pushGlobal(module: string, name: string): void {
    const full = `${module} ${name}`;
    const found = this.#rules.globals.get(full);
    if (found === undefined) {
      this.fail(`the global ${JSON.stringify(full.slice(0, 200))} is not allowed`);
    }
    this.push(found);
  }

  pushGlobalFromStack(): void {
    const name = this.pop();
    const module = this.pop();
    if (typeof module !== 'string' || typeof name !== 'string') this.fail('a global is not named by strings');
    this.pushGlobal(module, name);
  }

  /** A call of a function, or of a class for a new object: Python writes the two differently. */
  reduce(): void {
    const args = this.pop();
    const callee = this.pop();
    if (!isKind<PickleGlobal>(callee, 'global') || callee.call === undefined)
      this.fail('it calls something that cannot be called');
    if (!isTuple(args)) this.fail(`it calls ${callee.name} without a tuple of arguments`);
    this.push(callee.call(args, this.fail));
  }

  /** Attributes of an OrderedDict (a state_dict keeps its `_metadata` there) are dropped. */
  build(): void {
    const state = this.pop();
    const target = this.top();
    if (target instanceof Map && state instanceof Map) return;
    if (typeof target === 'object' && target !== null && 'kind' in target && target.setState !== undefined) {
      target.setState(state);
    } else this.fail('it sets attributes of something that has none');
  }

  /** Sets are of no use here: their members are dropped. */
  pushSet(): void {
    this.push(opaque('builtins set'));
  }

  /** Ends a set that is written with its members in front. */
  pushFrozenSet(): void {
    this.popToMark();
    this.pushSet();
  }

  persistentId(): void {
    this.push(this.#rules.persistentLoad(this.pop(), this.fail));
  }

  frame(): void {
    const length = this.uint64();
    if (length > this.#bytes.length - this.#position) this.fail(`a frame of ${length} bytes passes its end`);
  }

  uint8(): number {
    return this.#view.getUint8(this.#take(1));
  }

  uint16(): number {
    return this.#view.getUint16(this.#take(2), true);
  }

  uint32(): number {
    return this.#view.getUint32(this.#take(4), true);
  }

  int32(): number {
    return this.#view.getInt32(this.#take(4), true);
  }

  /** A length, so that one beyond 2^53 only has to stay larger than any file. */
  uint64(): number {
    return Number(this.#view.getBigUint64(this.#take(8), true));
  }

  float64(): number {
    return this.#view.getFloat64(this.#take(8));
  }

  /** Two's complement, little-endian, `length` bytes. */
  integer(length: number): number | bigint {
    let value = 0n;
    for (const byte of this.bytes(length).reverse()) value = (value << 8n) | BigInt(byte);
    value = BigInt.asIntN(length * 8, value);
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : value;
  }

  /** A copy: the value must not keep the whole pickle alive, nor change with it. */
  bytes(length: number): Uint8Array {
    const start = this.#take(length);
    return Uint8Array.from(this.#bytes.subarray(start, start + length));
  }

  text(length: number): string {
    const start = this.#take(length);
    try {
      return utf8.decode(this.#bytes.subarray(start, start + length));
    } catch {
      return this.fail('a string is not UTF-8');
    }
  }

  line(): string {
    const end = this.#bytes.indexOf(NEWLINE, this.#position);
    if (end < 0) this.fail('a line does not end');
    const text = this.text(end - this.#position);
    this.#position++;
    return text;
  }

  #take(length: number): number {
    const start = this.#position;
    if (length > this.#bytes.length - start) this.fail(`it ends early, ${length} more bytes were expected`);
    this.#position = start + length;
    return start;
  }
}

/** Keys that are hashed by a rule that everybody knows: a file could choose many that fall into one place of a Map. */
function isLargeNumber(key: PickleValue): boolean {
  if (typeof key === 'bigint') return true;
  return typeof key === 'number' && !(Number.isInteger(key) && Math.abs(key) < MOST_NUMBERS);
}

/** Of so few whole numbers no more than some thousand fall into one place, and as keys they cost no time. */
const MOST_NUMBERS = 2 ** 24;

function isList(value: PickleValue): value is PickleValue[] {
  return Array.isArray(value) && !isTuple(value);
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const NEWLINE = 0x0a;
const PROTO = 0x80;
