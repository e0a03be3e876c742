/** One endpoint per folder: two would publish over each other and sweep each other's staging away. */
import { randomUUID } from "node:crypto";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** What every answer's `server` header begins with; the endpoint's own id follows. */
export const SERVER = "rehearsal-s3";

interface Tenant {
  id: string;
  url: string;
}

/** Throws when an endpoint that still answers has the folder; one that died leaves its note behind, and it is passed over. */
export async function checkVacant(folder: string): Promise<void> {
  const tenant = await readTenant(folder);
  if (tenant === undefined) return;
  try {
    const response = await fetch(tenant.url, { signal: AbortSignal.timeout(2_000) });
    if (response.headers.get("server") !== `${SERVER}/${tenant.id}`) return;
  } catch {
    // Nobody listens there any more.
    return;
  }
  throw new Error(
    `"${folder}" is already served at ${tenant.url}: stop that endpoint, or choose another folder`,
  );
}

export function newTenantId(): string {
  return randomUUID();
}

export async function moveIn(folder: string, tenant: Tenant): Promise<void> {
  await writeFile(noteOf(folder), JSON.stringify(tenant), { mode: 0o600 });
}

export async function moveOut(folder: string): Promise<void> {
  await rm(noteOf(folder), { force: true });
}

async function readTenant(folder: string): Promise<Tenant | undefined> {
  try {
    return JSON.parse(await readFile(noteOf(folder), "utf8")) as Tenant;
  } catch {
    // No note, or one cut off by a kill before anything was served.
    return undefined;
  }
}

function noteOf(folder: string): string {
  return join(folder, "endpoint.json");
}
