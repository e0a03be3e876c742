/** Opens a database for an import: its tables are held against the mapping before anything is written. */
import type { DatabaseAddress } from "../../../core/database-url.ts";
import type { SetLayout } from "../../../core/import/layout.ts";
import type { ImportMapping } from "../../../core/import/mapping.ts";
import { openSession, type Session } from "../session.ts";
import { ensureLife } from "../target-schema.ts";
import { prepareClaims } from "./claims.ts";
import { Importer, type ImporterOptions } from "./importer.ts";
import { readImportTables } from "./tables.ts";

interface Opening extends Omit<ImporterOptions, "tables"> {
  mapping: ImportMapping;
  layout: readonly SetLayout[];
  searchPath: readonly string[];
  patienceSeconds?: number;
  /** Throws when it is not the database that was meant. */
  assertMeant?: (session: Session) => Promise<void>;
}

/** Runs the work with an importer, and with a session for what is beside it. Throws `ImportMappingUnfit`. */
export async function withImporter<T>(
  address: DatabaseAddress,
  { mapping, searchPath, patienceSeconds, assertMeant, ...options }: Opening,
  work: (importer: Importer, session: Session) => Promise<T>,
): Promise<T> {
  const { application, lockTimeout, layout } = options;
  const session = await openSession(address, {
    ...{ application, lockTimeout },
    ...(patienceSeconds !== undefined && { patienceSeconds }),
  });
  try {
    await assertMeant?.(session);
    await ensureLife(session);
    await prepareClaims(session);
    const tables = await readImportTables(session, mapping, layout, searchPath);
    const importer = await Importer.open(address, { ...options, tables });
    try {
      return await work(importer, session);
    } finally {
      await importer.close();
    }
  } finally {
    await session.close();
  }
}
