/** How a migration's file is named: its number, and what it does. */
import { RehearsalError } from "./errors.ts";

/** The digits a number is written with at least: 0001. */
const NUMBER_DIGITS = 4;

interface MigrationName {
  version: number;
  name: string;
}

/** Takes `migrations/0001_add_speakers.sql` apart; throws `MigrationNameInvalid` with the reason. */
export function parseMigrationName(path: string): MigrationName {
  const refuse = (reason: string) => new RehearsalError("MigrationNameInvalid", { path, reason });
  const file = path.slice(path.lastIndexOf("/") + 1);
  const match = /^(\d+)_(.+)\.sql$/s.exec(file);
  const [, digits, name] = match ?? [];
  if (digits === undefined || name === undefined)
    throw refuse("it is not a number, an underscore, words and .sql");
  const version = Number(digits);
  if (version === 0) throw refuse("numbers begin at 0001");
  if (digits !== numberText(version)) throw refuse(`its number is written ${numberText(version)}`);
  return { version, name };
}

/** 7 as "0007". */
export function numberText(version: number): string {
  return String(version).padStart(NUMBER_DIGITS, "0");
}
