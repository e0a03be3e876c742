/** Everything that is read of databases for people, by its kind: what is asked, and what is done for it, loaded when it is first asked. */
import * as z from "zod";
import type { Check } from "../../core/checkup.ts";
import { parseDatabaseUrl } from "../../core/database-url.ts";
import { policySchema } from "../../core/policy.ts";
import { queryRequest } from "../../core/query/request.ts";
import type { ObjectStore } from "../../io/object-store.ts";
import type { Session } from "../../io/postgres/session.ts";
import { sideSchema } from "../diff-sides.ts";
import { lookAt } from "../look.ts";

interface Means {
  ledger: Session;
  store: ObjectStore;
}

const environment = z.string();
const person = z.string();

export const LOOKS = {
  /** What a promotion would run. */
  plan: look(
    z.strictObject({ environment, release: z.string(), seed: z.boolean(), rehearseOnly: z.boolean() }),
    async (wanted, { ledger, store }) => {
      const { planPromotion } = await import("../plan.ts");
      return lookAt(ledger, wanted.environment, () => planPromotion(ledger, store, wanted));
    },
  ),
  /** Where a database departs from its promise; what is new is told in the log. */
  drift: look(z.strictObject({ environment, person }), async (of, { ledger, store }) =>
    (await import("../drift-check.ts")).checkDrift(ledger, store, of.environment, of.person),
  ),
  /** Where one shape departs from another. */
  diff: look(z.strictObject({ from: sideSchema, to: sideSchema }), async (sides, { ledger, store }) =>
    (await import("../diff.ts")).findDiff(ledger, store, sides),
  ),
  /** What a database and its bucket hold. */
  holdings: look(z.strictObject({ environment, prefixes: z.array(z.string()) }), async (of, { ledger }) =>
    (await import("../holdings.ts")).readHoldings(ledger, of.environment, of.prefixes),
  ),
  /** What one of a release's queries finds; told in the log. */
  query: look(
    queryRequest.extend({ environment, query: z.string(), person }),
    async (asked, { ledger, store }) => (await import("../query-run.ts")).runPreset(ledger, store, asked),
  ),
  /** Whether a database can be promoted. */
  checkup: look(z.strictObject({ environment }), async (of, { ledger }): Promise<Check[]> => {
    const { checkEnvironment } = await import("../environment-checkup.ts");
    return lookAt(ledger, of.environment, () => checkEnvironment(ledger, of.environment));
  }),
  /** Whether it is there, and reaches the ledger. */
  presence: look(z.strictObject({}), async (_, { ledger }) => ({ major: ledger.major })),
  /** Whether what a policy names is there. */
  policy: look(z.strictObject({ policy: policySchema }), async ({ policy }) => {
    await (await import("../registration.ts")).assertPolicy(policy);
    return {};
  }),
  /** A database becomes an environment. */
  registration: look(
    z.strictObject({
      name: z.string(),
      role: z.enum(["dev", "prod"]),
      state: z.enum(["writeable", "canonical"]),
      url: z.string(),
      copiesUrl: z.string().optional(),
      policy: policySchema,
      person,
    }),
    async ({ url, copiesUrl, ...wanted }, { ledger, store }) =>
      (await import("../registration.ts")).register(ledger, store, {
        ...wanted,
        address: parseDatabaseUrl(url),
        ...(copiesUrl !== undefined && { copies: parseDatabaseUrl(copiesUrl) }),
      }),
  ),
  /** An environment's copies get other credentials, or its own again. */
  copies: look(z.strictObject({ environment, url: z.string().optional(), person }), async (of, { ledger }) =>
    (await import("../copies.ts")).keepCopiesCredentials(ledger, of.environment, {
      ...(of.url !== undefined && { address: parseDatabaseUrl(of.url) }),
      person: of.person,
    }),
  ),
};

export type LookKind = keyof typeof LOOKS;
/** As whoever asks writes it; what is left out has its default. */
export type LookRequest<K extends LookKind> = Parameters<(typeof LOOKS)[K]["of"]>[0];
export type LookAnswer<K extends LookKind> = Awaited<ReturnType<(typeof LOOKS)[K]>>;

/** Parses what is asked, at the door, and does the work. */
function look<S extends z.ZodType, A>(schema: S, work: (asked: z.output<S>, means: Means) => Promise<A>) {
  return Object.assign((request: unknown, means: Means): Promise<A> => work(schema.parse(request), means), {
    /** Only its type is of use: what is to be asked. */
    of: (asked: z.input<S>) => asked,
  });
}
