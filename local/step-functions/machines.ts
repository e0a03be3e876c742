/** The state machines that were created: one JSON file each, replaced whole. */
import { randomUUID } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export interface StoredMachine {
  arn: string;
  name: string;
  definition: string;
  roleArn: string;
  type: string;
  createdAt: number;
  updatedAt: number;
  revisionId: string;
  /** Published, oldest first; they never change. None in a file of before there were any. */
  versions?: PublishedVersion[];
  aliases?: Alias[];
}

export interface PublishedVersion extends Pick<StoredMachine, "definition" | "roleArn" | "revisionId"> {
  number: number;
  description: string;
  createdAt: number;
}

export interface Alias {
  name: string;
  description: string;
  /** One version, or two; the weights are percents and add up to 100. */
  routes: { version: number; weight: number }[];
  createdAt: number;
  updatedAt: number;
}

/** What an execution is started on: a machine as it is now, or a version of it. */
export interface Runnable extends Pick<StoredMachine, "arn" | "name" | "definition" | "roleArn"> {
  versionArn?: string;
  aliasArn?: string;
}

export interface Machines {
  get(arn: string): StoredMachine | undefined;
  all(): StoredMachine[];
  /** Stores it atomically, under a new revision if it runs otherwise than before. */
  put(machine: Omit<StoredMachine, "revisionId">): StoredMachine;
  remove(arn: string): void;
}

export function openMachines(folder: string): Machines {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const known = new Map<string, StoredMachine>();
  for (const file of readdirSync(folder).filter((name) => name.endsWith(".json"))) {
    const machine = JSON.parse(readFileSync(join(folder, file), "utf8")) as StoredMachine;
    known.set(machine.arn, machine);
  }
  const path = (name: string) => join(folder, `${name}.json`);
  return {
    get: (arn) => known.get(arn),
    all: () => [...known.values()].sort((a, b) => a.createdAt - b.createdAt || (a.name < b.name ? -1 : 1)),
    put: (machine) => {
      const before = known.get(machine.arn);
      const same = before?.definition === machine.definition && before.roleArn === machine.roleArn;
      const stored = { ...machine, revisionId: same ? before.revisionId : randomUUID() };
      writeFileSync(`${path(machine.name)}.new`, JSON.stringify(stored), { mode: 0o600, flush: true });
      renameSync(`${path(machine.name)}.new`, path(machine.name));
      known.set(machine.arn, stored);
      return stored;
    },
    remove: (arn) => {
      const machine = known.get(arn);
      if (machine !== undefined) rmSync(path(machine.name), { force: true });
      known.delete(arn);
    },
  };
}
