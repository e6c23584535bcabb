// The environment of jest's tests: its own of Node, but that the names of the language are found as fast as without it.

import vm from 'node:vm';
import { TestEnvironment } from 'jest-environment-node';

/** Of Node's own realm, as jest has them: what Node's modules return is an instance of these. */
const OF_THE_PROCESS = ['Buffer', 'ArrayBuffer', 'Uint8Array'];

/**
 * Jest's context asks an interceptor for each global that code names (`Math`, `Object`, `Map` …), which makes what computes
 * three times as slow. A context that is not contextified asks none; Node has them from 20.18 on, and before that, jest's
 * remains (https://nodejs.org/docs/latest-v20.x/api/vm.html#vmconstantsdont_contextify).
 */
export default class PlainEnvironment extends TestEnvironment {
  constructor(config, context) {
    super(config, context);
    if (vm.constants?.DONT_CONTEXTIFY === undefined) return;
    const before = this.global;
    this.context = vm.createContext(vm.constants.DONT_CONTEXTIFY);
    this.global = vm.runInContext('globalThis', this.context);
    for (const key of Reflect.ownKeys(before)) {
      if (Object.hasOwn(this.global, key) && !OF_THE_PROCESS.includes(key)) continue;
      copy(before, this.global, key);
    }
    this.global.global = this.global;
    this.global.Error.stackTraceLimit = before.Error.stackTraceLimit;
    this.moduleMocker = new this.moduleMocker.constructor(this.global);
    const { constructor: FakeTimers } = this.fakeTimersModern;
    this.fakeTimersModern = new FakeTimers({ config: config.projectConfig, global: this.global });
  }
}

/** What is made when it is first asked for stays so: Node's `fetch` or `crypto` load what most tests don't need. */
function copy(from, to, key) {
  const found = Reflect.getOwnPropertyDescriptor(from, key);
  const keep = (value) => {
    Object.defineProperty(to, key, { configurable: true, enumerable: found.enumerable, writable: true, value });
    return value;
  };
  if ('value' in found) Object.defineProperty(to, key, found);
  else Object.defineProperty(to, key, { ...found, configurable: true, get: () => keep(from[key]), set: keep });
}
