/** What the trusts in pipelines have in common, whatever runs them: whom they speak as, and which one fits a token. */
import * as z from "zod";
import { ACCESS_ROLES, type Grant } from "./access.ts";

/** A number that names something and is never given to anything else; issuers write it as text. */
export const trustedId = z
  .union([z.int().nonnegative(), z.string().regex(/^\d{1,20}$/, "an id is a number, not a name")])
  .transform(String);

/** A whole name; a star stands for one part of it, two for any number. */
export const refPattern = z
  .string()
  .max(300)
  .regex(
    /^refs\/[^\s?[\]\\]+$/,
    'a ref is written whole: "refs/heads/main"; a star stands for one part of it, two for any number',
  );

export const trustBase = {
  /** Whom the pipeline speaks as: a person of its own, who holds what it may do. */
  person: z.string().min(1).max(80),
  /** Which of that person's grants it may use; all, when left out. */
  scope: z
    .array(z.strictObject({ environment: z.string().min(1).max(40), role: z.enum(ACCESS_ROLES) }))
    .min(1)
    .max(100)
    .optional(),
  /** `rehearse`: pull requests and what outsiders can set off may rehearse, and nothing more. `refuse`: they may nothing. */
  pullRequest: z.enum(["refuse", "rehearse"]).default("refuse"),
  /** `mapped`: whoever set it off must be a known person, who then counts as the one who asked. `any`: nobody has to be. */
  actors: z.enum(["mapped", "any"]).optional(),
  /** The environment of the pipeline's job, as it is named where the pipeline runs. */
  environment: z.string().min(1).max(255).optional(),
};

export interface Trust {
  person: string;
  scope?: Grant[] | undefined;
  pullRequest: "refuse" | "rehearse";
  actors?: "mapped" | "any" | undefined;
}

/** Claims of a token whose signature is verified. */
export type Claims = Readonly<Record<string, unknown>>;

/** Whom a pipeline's token speaks for. */
export interface Pipeline {
  trust: Trust;
  /** Who set it off, as a subject of the issuer: `actor:ID`. */
  actor: string | undefined;
  /** Whether it was that actor who set it off this time: only then does it decide in their name. */
  byActor: boolean;
  /** True when it may rehearse and nothing more. */
  rehearsesOnly: boolean;
  /** For the log: what ran, and where. */
  run: string;
}

/** A claim as text; absent, empty and structured ones are undefined. */
export function claim(claims: Claims, name: string): string | undefined {
  const value = claims[name];
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** One pin of a trust: the claim, whether it is as it should be. */
export interface Pin {
  claim: string;
  fits: boolean;
}

/**
 * The first trust of which every pin fits; else the claims that did not fit in the trust that came nearest. What the
 * trusts ask for is not told: whoever has an account with the issuer can send a token of theirs.
 */
export function firstFitting<T extends Trust>(
  trusts: readonly T[],
  pinsOf: (trust: T) => Pin[],
): { trust: T } | { misfits: string[] } {
  let nearest: string[] | undefined;
  for (const trust of trusts) {
    const misfits = pinsOf(trust).flatMap(({ claim, fits }) => (fits ? [] : [claim]));
    if (misfits.length === 0) return { trust };
    if (nearest === undefined || misfits.length < nearest.length) nearest = misfits;
  }
  return { misfits: nearest ?? [] };
}

/** Whether the text is what the pattern says: a star stands for one part or a piece of it, two stars for any number of parts. */
export function matches(pattern: string, text: string | undefined): boolean {
  if (text === undefined) return false;
  const parts = pattern.split(/(\*\*?)/).map((part) => {
    if (part === "**") return ".+";
    return part === "*" ? "[^/]+" : part.replaceAll(/[.+^${}()|[\]\\?/]/g, "\\$&");
  });
  return new RegExp(`^${parts.join("")}$`, "u").test(text);
}
