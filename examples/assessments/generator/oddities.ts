/** The disagreements that the files of an old system have, each at a known rate, and what an import does with each. */
import { drawing } from "./draw.ts";

/** `imported`: as it should be. `listed`: imported, and what disagrees is kept and told. `refused`: nothing of the record is imported. */
export type Outcome = "imported" | "listed" | "refused";

/** Of a thousand records so many have it; no record has two. */
export const ODDITIES = {
  "times without a zone": { of: 60, outcome: "imported", what: "the old clocks said nothing of their zone" },
  "byte-order mark": { of: 20, outcome: "imported", what: "job_record.json begins with U+FEFF" },
  "file of nobody": { of: 15, outcome: "imported", what: "Thumbs.db lies beside the record" },
  "round without manifest": {
    of: 20,
    outcome: "imported",
    what: "the record counts a rejected round, and its folder is gone",
  },
  "final of an unknown round": {
    of: 10,
    outcome: "imported",
    what: "the final names the accepted round, and its folder is gone",
  },
  "other time of assessment": {
    of: 30,
    outcome: "listed",
    what: "the record and the archived final say different times",
  },
  "other customer": {
    of: 20,
    outcome: "listed",
    what: "the final was made for a customer who is not the record's",
  },
  "wrong checksum": { of: 10, outcome: "refused", what: "a manifest's sha256 is not that of the file" },
  "broken JSON": { of: 10, outcome: "refused", what: "job_record.json ends in the middle" },
  "missing media": { of: 10, outcome: "refused", what: "a manifest names a file that is not there" },
  "name in another case": { of: 10, outcome: "refused", what: "a manifest says .WAV where the file is .wav" },
  "bytes that are no UTF-8": { of: 10, outcome: "refused", what: "an address is in Latin-1" },
  "archived without a final": { of: 10, outcome: "refused", what: "final/ is empty" },
  "impossible time": { of: 5, outcome: "refused", what: "opened on the 31st of February" },
  "NUL in a text": {
    of: 5,
    outcome: "refused",
    what: "an address holds U+0000, which Postgres does not store",
  },
  "second copy": {
    of: 10,
    outcome: "refused",
    what: "another folder holds the same job, with another address; the first folder in order is imported",
  },
} as const satisfies Record<string, { of: number; outcome: Outcome; what: string }>;

export type Oddity = keyof typeof ODDITIES;

/** What is odd about the record of that number, drawn apart from everything else of it; undefined for most. */
export function drawOddity(seed: number, number: number): Oddity | undefined {
  let at = drawing(seed, "oddity", number).below(1_000);
  for (const [name, { of }] of Object.entries(ODDITIES) as [Oddity, { of: number }][]) {
    if (at < of) return name;
    at -= of;
  }
  return undefined;
}
