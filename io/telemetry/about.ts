/** What the work is about: every line that is logged meanwhile carries it, whatever else the sandbox does at the time. */
import { AsyncLocalStorage } from "node:async_hooks";

/** What a line may be about; what is left out is left out of the line. */
interface About {
  environment?: string;
  promotion?: string;
  task?: string;
  step?: string;
  attempt?: number;
  /** By which kind of credential somebody asks: `key`, `token`, `session`, `iam`. */
  actor?: string;
  /** What of the API somebody asks for, as its document names it. */
  route?: string;
}

/** What the whole invocation is known by. */
interface Carried extends About {
  requestId?: string;
  coldStart: boolean;
}

const carried = new AsyncLocalStorage<Carried>();

/** Does the work of an invocation. */
export function carrying<T>(own: Carried, work: () => Promise<T>): Promise<T> {
  return carried.run(own, work);
}

/** From here on the lines of this invocation carry this as well. */
export function about(more: About): void {
  const own = carried.getStore();
  if (own !== undefined) Object.assign(own, more);
}

/** What is done inside carries this as well; what goes on beside it does not. */
export function alongside<T>(more: About, work: () => Promise<T>): Promise<T> {
  return carried.run({ coldStart: false, ...carried.getStore(), ...more }, work);
}

/** What a line that is logged now carries. */
export function whatItIsAbout(): Partial<Carried> {
  return { ...carried.getStore() };
}
