/** The public keys of an issuer: found by its discovery document, fetched when first needed, and kept for a while. */
import type { RemoteJWKSet } from "jose";
import * as z from "zod";
import { RehearsalError } from "../core/errors.ts";
import { isLoopback } from "../core/loopback.ts";
import { assertReach, type Reach } from "./outside-request.ts";
import { readPublicDocument } from "./public-document.ts";

export interface KeyTimes {
  /** Milliseconds that keys are used without asking again. */
  keep: number;
  /** Milliseconds after a fetch in which a key that is not known asks for none. */
  cooldown: number;
  /** Milliseconds after a failed fetch in which none is tried. */
  afterFailure: number;
  /** Milliseconds one fetch may take. */
  patience: number;
}

const TIMES: KeyTimes = { keep: 600_000, cooldown: 30_000, afterFailure: 10_000, patience: 3_000 };

/** https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderMetadata */
const discovery = z.looseObject({ issuer: z.string(), jwks_uri: z.url().max(2_000) });

/** What each key is, is looked at when a token names it. */
const keySet = z.looseObject({ keys: z.array(z.looseObject({})) });

export type KeysOf = (issuer: string) => Promise<RemoteJWKSet>;

/**
 * Keeps the keys of every issuer that it is asked for; throws `IssuerUnreachable`, again without asking for a while.
 * `loopback` lets issuers on this machine in.
 */
export function openIssuerKeys({
  loopback,
  times = {},
}: {
  loopback: boolean;
  times?: Partial<KeyTimes>;
}): KeysOf {
  const { keep, cooldown, afterFailure, patience } = { ...TIMES, ...times };
  const known = new Map<string, { until: number; keys: Promise<RemoteJWKSet> }>();
  const failed = new Map<string, { until: number; error: unknown }>();

  const fetched = async <T>(issuer: string, address: URL, read: (text: string) => T): Promise<T> => {
    const earlier = failed.get(address.href);
    if (earlier !== undefined && Date.now() < earlier.until) throw earlier.error;
    try {
      const reach = reachOf(issuer, address, loopback);
      const value = read(await readPublicDocument(address, reach, { milliseconds: patience }));
      failed.delete(address.href);
      return value;
    } catch (cause) {
      const reason = `${address.href}: ${(cause as Error).message}`;
      const error = new RehearsalError("IssuerUnreachable", { issuer, reason }, { cause });
      failed.set(address.href, { until: Date.now() + afterFailure, error });
      throw error;
    }
  };

  const discover = async (issuer: string): Promise<RemoteJWKSet> => {
    const address = new URL(`${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`);
    const keys = await fetched(issuer, address, (text) => {
      const document = readJson(discovery, text);
      if (document.issuer !== issuer) throw new Error(`it is of another issuer, ${document.issuer}`);
      const address = new URL(document.jwks_uri);
      assertReach(address, reachOf(issuer, address, loopback));
      return address;
    });
    const { createRemoteJWKSet, customFetch } = await import("jose");
    return createRemoteJWKSet(keys, {
      cacheMaxAge: keep,
      cooldownDuration: cooldown,
      [customFetch]: async () => Response.json(await fetched(issuer, keys, (text) => readJson(keySet, text))),
    });
  };

  return (issuer) => {
    const found = known.get(issuer);
    if (found !== undefined && Date.now() < found.until) return found.keys;
    const keys = discover(issuer);
    known.set(issuer, { until: Date.now() + keep, keys });
    // A failure is not kept here: how soon it is tried again is a matter of the address.
    keys.catch(() => known.delete(issuer));
    return keys;
  };
}

/** The issuer's own host was named by an admin, and may be in a private network; what it points to elsewhere may not. */
function reachOf(issuer: string, address: URL, loopback: boolean): Reach {
  const { hostname } = new URL(issuer);
  return {
    loopback: loopback && isLoopback(hostname),
    privateNetworks: address.hostname === hostname,
  };
}

function readJson<S extends z.ZodType>(schema: S, text: string): z.output<S> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new Error("it answered with something that is not JSON", { cause });
  }
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw new Error("it answered with something else than it should");
  return parsed.data;
}
