// The floor of the JavaScript layer: the addon, its errors as DOMExceptions, its events as tasks.
import { createRequire } from 'node:module';

const path = process.env.WPT_BINDING;
if (!path) throw new Error('WPT_BINDING has to name the addon, wirelark.node');
const addon = createRequire(import.meta.url)(path);

/** The addon. What it does not have, the library does not have: the call fails as one that is not supported. */
export const native = new Proxy(addon, {
  get(target, name) {
    return target[name] ?? (() => {
      throw new DOMException(`the library has no ${String(name)}()`, 'NotSupportedError');
    });
  },
});

const EXCEPTIONS = {
  WLK_ERR_INVALID: 'TypeError',
  WLK_ERR_STATE: 'InvalidStateError',
  WLK_ERR_CLOSED: 'InvalidStateError',
  WLK_ERR_PARSE: 'OperationError',
  WLK_ERR_NEGOTIATION: 'InvalidModificationError',
  WLK_ERR_UNSUPPORTED: 'NotSupportedError',
};

function exception(name, message) {
  if (name === 'TypeError') return new TypeError(message);
  if (name === 'RangeError') return new RangeError(message);
  return new DOMException(message, name);
}

/** The exception that stands for an error of the addon: the library names it; `names` is for calls on no connection. */
export function translate(error, names = {}) {
  if (!error?.code?.startsWith?.('WLK_')) return error;
  if (error.parts) return exception(error.parts.name, error.message);
  return exception(names[error.code] ?? EXCEPTIONS[error.code] ?? 'OperationError', error.message);
}

/** Calls into the library, and throws what a browser would. */
export function call(fn, names) {
  try {
    return fn();
  } catch (error) {
    throw translate(error, names);
  }
}

/** A task of its own, as the standard's "queue a task". */
export const task = () => new Promise((resolve) => setImmediate(resolve));

// Each event of the library becomes a task of its own, in the order of their coming.
const queue = [];
const listeners = new Map();
let isRunning = false;

function runNext() {
  const next = queue.shift();
  if (next) listeners.get(next.connection)?.(next.event);
  if (queue.length) setImmediate(runNext);
  else isRunning = false;
}

function onEvent(connection, event) {
  queue.push({ connection, event });
  if (isRunning) return;
  isRunning = true;
  setImmediate(runNext);
}

/** `listener(event)` gets the events of this connection, until forget(). */
export function listen(connection, listener) {
  listeners.set(connection, listener);
}

/** Its handle may be another connection's from here on. */
export function forget(connection) {
  listeners.delete(connection);
  for (let i = queue.length - 1; i >= 0; i--) if (queue[i].connection === connection) queue.splice(i, 1);
}

/** Tells what came of the last call at once, as the part of its task that comes before its promise is settled. */
export function flush(connection, types) {
  native.dispatch();
  for (let i = 0; i < queue.length;) {
    if (queue[i].connection !== connection || !types.includes(queue[i].event.type)) {
      i++;
      continue;
    }
    const [{ event }] = queue.splice(i, 1);
    listeners.get(connection)?.(event);
  }
}

/** onNAME attributes, which are listeners like the others. */
export function defineHandlers(type, names) {
  for (const name of names) {
    const key = Symbol(`on${name}`);
    Object.defineProperty(type.prototype, `on${name}`, {
      configurable: true,
      enumerable: true,
      get() {
        return this[key]?.handler ?? null;
      },
      set(handler) {
        if (!this[key]) {
          const slot = { handler: null };
          this[key] = slot;
          this.addEventListener(name, function (event) {
            return slot.handler?.call(this, event);
          });
        }
        this[key].handler = typeof handler === 'function' ? handler : null;
      },
    });
  }
}

/** An event class whose members come from its init dictionary. */
export function eventClass(name, members, required = []) {
  return {
    [name]: class extends Event {
      constructor(type, init = {}) {
        super(type, init);
        for (const member of required)
          if (init[member] === undefined) throw new TypeError(`${name} needs its ${member}`);
        for (const [member, fallback] of Object.entries(members))
          Object.defineProperty(this, member, { value: init[member] ?? fallback, enumerable: true });
      }
    },
  }[name];
}

/** Only the layer itself makes objects of some classes. */
export const PRIVATE = Symbol('made by the layer');

export function onlyInside(key) {
  if (key !== PRIVATE) throw new TypeError('Illegal constructor');
}

/** A member of an enumeration, or a TypeError. */
export function oneOf(value, list, what) {
  const text = String(value);
  if (!list.includes(text)) throw new TypeError(`'${text}' is no ${what}`);
  return text;
}

/** A number as Web IDL's [EnforceRange] wants it. */
export function enforceRange(value, max, what) {
  const number = Number(value);
  if (!Number.isFinite(number) || Math.trunc(number) < 0 || Math.trunc(number) > max)
    throw new TypeError(`${what} is out of range`);
  return Math.trunc(number);
}

native.start(onEvent);
