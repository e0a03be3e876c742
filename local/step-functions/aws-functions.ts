/** The functions Step Functions adds to JSONata, after "Transforming data with JSONata" in the developer guide. */
import { createHash, randomUUID } from "node:crypto";

const ALGORITHMS: Record<string, string> = {
  MD5: "md5",
  "SHA-1": "sha1",
  "SHA-256": "sha256",
  "SHA-384": "sha384",
  "SHA-512": "sha512",
};

/** The guide's limit on what `$range` makes. */
const LARGEST_RANGE = 1000;

/** Bound into every expression under these names; `$eval` is refused, as in AWS. */
export const AWS_FUNCTIONS: Record<string, (...values: never[]) => unknown> = {
  partition: (items: unknown, size: unknown) => {
    if (!Array.isArray(items) || !isWhole(size) || size < 1)
      throw new Error("$partition takes an array and a positive whole number");
    return Array.from({ length: Math.ceil(items.length / size) }, (_, chunk) =>
      items.slice(chunk * size, (chunk + 1) * size),
    );
  },
  range: (first: unknown, last: unknown, step: unknown) => {
    if (!isWhole(first) || !isWhole(last) || !isWhole(step) || step === 0)
      throw new Error("$range takes a first and a last value and a step that is not zero, all whole numbers");
    const length = Math.max(0, Math.floor((last - first) / step) + 1);
    if (length > LARGEST_RANGE) throw new Error(`$range makes at most ${LARGEST_RANGE} items`);
    return Array.from({ length }, (_, index) => first + index * step);
  },
  hash: (content: unknown, algorithm: unknown) => {
    const known = ALGORITHMS[String(algorithm)];
    if (typeof content !== "string" || known === undefined)
      throw new Error(`$hash takes a string and one of ${Object.keys(ALGORITHMS).join(", ")}`);
    return createHash(known).update(content).digest("hex");
  },
  random: (seed?: unknown) => (typeof seed === "number" ? seeded(seed) : Math.random()),
  uuid: () => randomUUID(),
  parse: (text: unknown) => {
    if (typeof text !== "string") throw new Error("$parse takes a string of JSON");
    return JSON.parse(text);
  },
  eval: () => {
    throw new Error("$eval is not supported; $parse reads JSON");
  },
};

function isWhole(value: unknown): value is number {
  return Number.isInteger(value);
}

/** Equal seeds give equal numbers, at least 0 and less than 1; the sequence is ours, AWS does not publish its own. */
function seeded(seed: number): number {
  return createHash("sha256").update(String(seed)).digest().readUInt32BE(0) / 2 ** 32;
}
