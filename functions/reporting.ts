/** The reports and documents of the release that an environment runs: what there is, and one of them ready to run. */
import { RehearsalError } from "../core/errors.ts";
import { readBundle } from "../core/release.ts";
import {
  type DocumentDefinition,
  isDocument,
  parseReportDefinition,
  type ReportDefinition,
} from "../core/reporting/definition.ts";
import { prunedTables, type Report } from "../core/reporting/reports.ts";
import type { PrunedTable } from "../core/reporting/sources.ts";
import { type Environment, readEnvironment } from "../io/ledger/environments.ts";
import { releaseKey } from "../io/ledger/releases.ts";
import type { ObjectStore } from "../io/object-store.ts";
import type { Session } from "../io/postgres/session.ts";
import { readRelease } from "./release.ts";

interface Defined {
  environment: Environment;
  /** The whole hash. */
  release: string;
  /** By name. */
  definitions: ReportDefinition[];
}

/** What the environment's release defines; nothing where it runs none. No SQL is read for it. */
export async function readDefinitions(ledger: Session, store: ObjectStore, name: string): Promise<Defined> {
  const environment = await readEnvironment(ledger, name);
  const { release } = environment;
  if (release === null) return { environment, release: "", definitions: [] };
  const { files } = readBundle(await store.get(releaseKey(release)), release);
  const definitions = files
    .filter(({ path }) => /^reports\/[^/]+\.yaml$/.test(path))
    .map(({ path, bytes }) => parseReportDefinition(path, bytes));
  return { environment, release, definitions };
}

/** The one of that name; throws `ReportUnused` where the release has none, and `NotFound` for what is of the other kind. */
export function definitionOf(
  { environment, definitions }: Defined,
  kind: "report" | "document",
  name: string,
): ReportDefinition {
  const found = definitions.find((one) => one.name === name && isDocument(one) === (kind === "document"));
  if (environment.release === null)
    throw new RehearsalError("ReportUnused", { environment: environment.name, what: "" });
  if (found === undefined) throw new RehearsalError("NotFound", { what: kind, name });
  return found;
}

/** A report of a release with its statement, and what it may not read. */
export async function readReportOf(
  store: ObjectStore,
  release: string,
  name: string,
): Promise<{ report: Report; pruned: PrunedTable[] }> {
  const { reporting, inventory } = await readRelease(store, release, []);
  const report = reporting.reports.find((one) => one.name === name);
  if (report === undefined) throw new RehearsalError("NotFound", { what: "report", name });
  return { report, pruned: prunedTables(inventory) };
}

/** A document of a release. */
export async function readDocumentOf(
  store: ObjectStore,
  release: string,
  name: string,
): Promise<DocumentDefinition> {
  const { reporting } = await readRelease(store, release, []);
  const document = reporting.documents.find((one) => one.name === name);
  if (document === undefined) throw new RehearsalError("NotFound", { what: "document", name });
  return document;
}
