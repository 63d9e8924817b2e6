/**
 * Reads pickles as data. A pickle is a program for a stack machine that may call anything in Python. Here globals are names
 * without a meaning, only those on an allow-list are accepted, and nothing is ever called. The opcodes are those that
 * `torch.save` writes (protocols 2 to 5).
 */

/** A Python value. Containers are not plain objects, so no name in a file can reach a JavaScript prototype. */
export type PickleValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | PickleTuple
  | PickleList
  | PickleDict
  | PickleGlobal
  | PickleCall
  | PersistentId;

/** A tuple. */
export interface PickleTuple {
  readonly kind: "tuple";
  readonly items: readonly PickleValue[];
}

/** A list. */
export interface PickleList {
  readonly kind: "list";
  readonly items: PickleValue[];
}

/** A dict or an OrderedDict. */
export interface PickleDict {
  readonly kind: "dict";
  readonly entries: Map<PickleValue, PickleValue>;
}

/** The name of a class or function. */
export interface PickleGlobal {
  readonly kind: "global";
  /** `module.name`. */
  readonly name: string;
}

/** A call that Python would make, and the state that it would set on the result (BUILD). */
export interface PickleCall {
  readonly kind: "call";
  readonly callee: string;
  readonly args: readonly PickleValue[];
  state?: PickleValue;
}

/** A reference to something outside of the pickle; torch's storages. */
export interface PersistentId {
  readonly kind: "persistent";
  readonly id: PickleValue;
}

/** Options of {@link unpickle}. */
export interface UnpickleOptions {
  /** Whether a global, `module.name`, is allowed. `collections.OrderedDict` always is. */
  readonly allows: (name: string) => boolean;
  /** Called with each persistent id, in the order of the file. */
  readonly onPersistent?: (reference: PersistentId) => void;
}

/** A pickle cannot be read. Readers turn it into a ModelFileError that names the file. */
export class PickleError extends Error {
  /** Byte offset of the opcode that failed. */
  readonly offset: number;
  /** Number of bytes that are needed, if the pickle ends too early. */
  readonly needed: number | undefined;
  readonly fix: string | undefined;

  constructor(why: string, offset: number, more: { needed?: number; fix?: string } = {}) {
    super(why);
    this.name = "PickleError";
    this.offset = offset;
    this.needed = more.needed;
    this.fix = more.fix;
  }
}

/** Limit of opcodes, which bounds the memory and time that a hostile file takes. A state dict has about 40 per tensor. */
const maxOpcodes = 4_000_000;

/**
 * Reads one pickle.
 * @returns its value, and the offset of the first byte after it
 * @throws PickleError if it is damaged, names a global that is not allowed, or is too long
 */
export function unpickle(
  bytes: Uint8Array,
  start: number,
  options: UnpickleOptions,
): { readonly value: PickleValue; readonly end: number } {
  const machine = new Machine(bytes, start, options);
  for (let count = 0; count < maxOpcodes; count++) {
    const value = machine.step();
    if (value !== undefined) return { value, end: machine.position };
  }
  throw new PickleError(
    `it is longer than the ${maxOpcodes} steps that a state dict may take`,
    machine.position,
  );
}

const text = new TextDecoder();

/** The stack machine that executes a pickle. */
class Machine {
  position: number;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #options: UnpickleOptions;
  readonly #memo = new Map<number, PickleValue>();
  readonly #outer: PickleValue[][] = [];
  #stack: PickleValue[] = [];
  #opcodeAt: number;

  constructor(bytes: Uint8Array, start: number, options: UnpickleOptions) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#options = options;
    this.position = start;
    this.#opcodeAt = start;
  }

  /** Executes one opcode. Returns the value of the pickle at STOP. */
  step(): PickleValue | undefined {
    this.#opcodeAt = this.position;
    const opcode = this.#unsigned(1);
    switch (opcode) {
      case 0x80: // PROTO
        if (this.#unsigned(1) > 5) this.#fail("its pickle protocol is newer than 5");
        return undefined;
      case 0x95: // FRAME
        this.#take(8);
        return undefined;
      case 0x2e: // STOP
        return this.#stop();
      case 0x28: // MARK
        this.#outer.push(this.#stack);
        this.#stack = [];
        return undefined;
      case 0x71: // BINPUT
        return this.#remember(this.#unsigned(1));
      case 0x72: // LONG_BINPUT
        return this.#remember(this.#unsigned(4));
      case 0x94: // MEMOIZE
        return this.#remember(this.#memo.size);
      case 0x62: // BUILD
        return this.#build();
      case 0x61: // APPEND
        return this.#append([this.#pop()]);
      case 0x65: // APPENDS
        return this.#append(this.#popToMark());
      case 0x73: // SETITEM
        return this.#setItems([this.#pop(), this.#pop()].toReversed());
      case 0x75: // SETITEMS
        return this.#setItems(this.#popToMark());
      default: {
        // Evaluated first, since it may replace the stack.
        const value = this.#valueOf(opcode);
        this.#stack.push(value);
        return undefined;
      }
    }
  }

  /** The value that an opcode pushes. */
  #valueOf(opcode: number): PickleValue {
    switch (opcode) {
      case 0x4e: // NONE
        return null;
      case 0x88: // NEWTRUE
        return true;
      case 0x89: // NEWFALSE
        return false;
      case 0x4b: // BININT1
        return this.#unsigned(1);
      case 0x4d: // BININT2
        return this.#unsigned(2);
      case 0x4a: // BININT
        return this.#unsigned(4) | 0;
      case 0x8a: // LONG1
        return this.#long(this.#unsigned(1));
      case 0x47: // BINFLOAT
        return this.#view.getFloat64(this.#take(8));
      case 0x58: // BINUNICODE
      case 0x54: // BINSTRING
        return this.#text(this.#unsigned(4));
      case 0x8c: // SHORT_BINUNICODE
      case 0x55: // SHORT_BINSTRING
        return this.#text(this.#unsigned(1));
      case 0x7d: // EMPTY_DICT
        return { kind: "dict", entries: new Map() };
      case 0x5d: // EMPTY_LIST
        return { kind: "list", items: [] };
      case 0x29: // EMPTY_TUPLE
        return { kind: "tuple", items: [] };
      case 0x74: // TUPLE
        return { kind: "tuple", items: this.#popToMark() };
      case 0x85: // TUPLE1
      case 0x86: // TUPLE2
      case 0x87: // TUPLE3
        return {
          kind: "tuple",
          items: Array.from({ length: opcode - 0x84 }, () => this.#pop()).toReversed(),
        };
      case 0x68: // BINGET
        return this.#recall(this.#unsigned(1));
      case 0x6a: // LONG_BINGET
        return this.#recall(this.#unsigned(4));
      case 0x63: // GLOBAL
        return this.#global(this.#line(), this.#line());
      case 0x93: {
        // STACK_GLOBAL
        const name = this.#pop();
        return this.#global(this.#pop(), name);
      }
      case 0x52: // REDUCE
      case 0x81: // NEWOBJ
        return this.#call();
      case 0x51: {
        // BINPERSID
        const reference: PersistentId = { kind: "persistent", id: this.#pop() };
        this.#options.onPersistent?.(reference);
        return reference;
      }
      default:
        return this.#fail(`opcode 0x${opcode.toString(16)} does not occur in a state dict`);
    }
  }

  #stop(): PickleValue {
    const value = this.#pop();
    if (this.#stack.length > 0 || this.#outer.length > 0)
      this.#fail("it stops with values left on its stack");
    return value;
  }

  #global(module: PickleValue, name: PickleValue): PickleGlobal {
    if (typeof module !== "string" || typeof name !== "string")
      return this.#fail("a global's name is not text");
    const full = `${module}.${name}`;
    if (full !== orderedDict && !this.#options.allows(full)) {
      this.#fail(`it needs the Python object "${full}", and Python code in a file is never run`, {
        fix: 'save plain weights instead, in Python: torch.save(model.state_dict(), "weights.pth")',
      });
    }
    return { kind: "global", name: full };
  }

  #call(): PickleValue {
    const args = this.#pop();
    const callee = this.#pop();
    if (!isKind(callee, "global") || !isKind(args, "tuple"))
      return this.#fail("it calls something that is not a global");
    if (callee.name !== orderedDict) return { kind: "call", callee: callee.name, args: args.items };
    // Python 2 passes a list of pairs. Each list is emptied, so repeating it from the memo takes no memory.
    const dict: PickleDict = { kind: "dict", entries: new Map() };
    const pairs = args.items[0];
    if (pairs === undefined) return dict;
    if (args.items.length > 1 || !isKind(pairs, "list"))
      return this.#fail("an OrderedDict is not made of pairs");
    for (const pair of pairs.items.splice(0)) {
      const [key, value] = isKind(pair, "list") || isKind(pair, "tuple") ? pair.items : [];
      if (key === undefined || value === undefined) return this.#fail("an OrderedDict is not made of pairs");
      dict.entries.set(key, value);
    }
    return dict;
  }

  #build(): undefined {
    const state = this.#pop();
    const object = this.#top();
    if (isKind(object, "call")) object.state = state;
    // The state of an OrderedDict is `_metadata`, the versions of torch modules, which are not needed.
    else if (!isKind(object, "dict")) this.#fail("it sets the state of a value that has none");
  }

  #append(items: readonly PickleValue[]): undefined {
    const list = this.#top();
    if (!isKind(list, "list")) return this.#fail("it appends to something that is not a list");
    for (const item of items) list.items.push(item);
  }

  #setItems(items: readonly PickleValue[]): undefined {
    const dict = this.#top();
    if (!isKind(dict, "dict") || items.length % 2 !== 0)
      return this.#fail("it sets items of something that is not a dict");
    for (let i = 0; i < items.length; i += 2) dict.entries.set(items[i] ?? null, items[i + 1] ?? null);
  }

  #remember(index: number): undefined {
    this.#memo.set(index, this.#top());
  }

  #recall(index: number): PickleValue {
    const value = this.#memo.get(index);
    return value === undefined ? this.#fail(`it refers to value ${index}, which it has not stored`) : value;
  }

  #top(): PickleValue {
    const value = this.#stack.at(-1);
    return value === undefined ? this.#fail("its stack is empty where a value is needed") : value;
  }

  #pop(): PickleValue {
    const value = this.#top();
    this.#stack.pop();
    return value;
  }

  #popToMark(): PickleValue[] {
    const items = this.#stack;
    const outer = this.#outer.pop();
    if (outer === undefined) return this.#fail("its stack has no mark where one is needed");
    this.#stack = outer;
    return items;
  }

  /** Skips `length` bytes and returns the offset of the first. */
  #take(length: number): number {
    const at = this.position;
    const needed = at + length;
    if (needed > this.#bytes.byteLength) this.#fail("it ends too early", { needed });
    this.position = needed;
    return at;
  }

  #unsigned(size: 1 | 2 | 4): number {
    const at = this.#take(size);
    if (size === 1) return this.#view.getUint8(at);
    return size === 2 ? this.#view.getUint16(at, true) : this.#view.getUint32(at, true);
  }

  /** A two's-complement integer of up to 255 bytes. */
  #long(size: number): number | bigint {
    const at = this.#take(size);
    let value = 0n;
    for (let i = size - 1; i >= 0; i--) value = (value << 8n) | BigInt(this.#view.getUint8(at + i));
    value = BigInt.asIntN(size * 8, value);
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : value;
  }

  #text(length: number): string {
    const at = this.#take(length);
    return text.decode(this.#bytes.subarray(at, at + length));
  }

  #line(): string {
    const end = this.#bytes.indexOf(0x0a, this.position);
    const length = (end < 0 ? this.#bytes.byteLength : end) - this.position;
    if (length > 1000) this.#fail("a global's name is longer than 1000 bytes");
    const line = this.#text(length);
    this.#take(1);
    return line;
  }

  #fail(why: string, more: { needed?: number; fix?: string } = {}): never {
    throw new PickleError(why, this.#opcodeAt, more);
  }
}

const orderedDict = "collections.OrderedDict";

type Kinds = { [K in Exclude<PickleValue, null | boolean | number | bigint | string>["kind"]]: K };
type OfKind<K extends keyof Kinds> = Extract<PickleValue, { readonly kind: K }>;

/** Whether a value is an object of the given kind. */
export function isKind<K extends keyof Kinds>(value: PickleValue | undefined, kind: K): value is OfKind<K> {
  return typeof value === "object" && value !== null && value.kind === kind;
}
