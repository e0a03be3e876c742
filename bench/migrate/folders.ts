/** The same small migrations, written as each tool reads them. */
import { createHash } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";

export const TOOLS = ["rehearsal", "dbmate", "node-pg-migrate", "graphile-migrate"] as const;
export type Tool = (typeof TOOLS)[number];

/** One after the other so that graphile-migrate's chain of hashes can be told. */
type Write = (number: number, name: string, sql: string) => { path: string; text: string };

/** Writes so many migrations into a folder of each tool's own; the first ones are always the same. */
export async function writeMigrations(folder: string, tool: Tool, count: number): Promise<void> {
  const write = WRITERS[tool]();
  const numbers = Array.from({ length: count }, (_, place) => place + 1);
  const files = numbers.map((number) => write(number, nameOf(number), sqlOf(number)));
  await mkdir(join(folder, dirname(files[0]?.path ?? "")), { recursive: true });
  await Promise.all(files.map(({ path, text }) => writeFile(join(folder, path), text)));
  if (tool === "rehearsal") await writeFile(join(folder, "rehearsal.yaml"), "project: bench\n");
  if (tool === "graphile-migrate") await writeFile(join(folder, "gmrc"), "{}\n");
}

const WRITERS: Record<Tool, () => Write> = {
  rehearsal: () => (number, name, sql) => ({
    path: `migrations/${String(number).padStart(4, "0")}_${name}.sql`,
    text: sql,
  }),
  dbmate: () => (number, name, sql) => ({
    path: `migrations/${20240101000000 + number}_${name}.sql`,
    text: `-- migrate:up\n${sql}\n-- migrate:down\n`,
  }),
  "node-pg-migrate": () => (number, name, sql) => ({
    path: `migrations/${1704067200000 + number}_${name}.sql`,
    text: `-- Up Migration\n${sql}\n-- Down Migration\n`,
  }),
  "graphile-migrate": () => {
    let previous: string | undefined;
    return (number, name, sql) => {
      const hash = `sha1:${createHash("sha1")
        .update(`${`${previous ?? ""}\n${sql.trim()}`.trim()}\n`)
        .digest("hex")}`;
      const text = `--! Previous: ${previous ?? "-"}\n--! Hash: ${hash}\n\n${sql.trim()}\n`;
      previous = hash;
      return { path: `migrations/committed/${String(number).padStart(6, "0")}-${name}.sql`, text };
    };
  },
};

export const MIGRATIONS_CONTENT =
  "each fifth makes a table of six columns, the four after it add a column with a default, an index, a check, and a row with a comment";

function nameOf(number: number): string {
  return ["note_row", "make_table", "add_column", "make_index", "add_check"][number % 5] ?? "change";
}

function sqlOf(number: number): string {
  const table = `public.thing_${Math.ceil(number / 5)}`;
  switch (number % 5) {
    case 1:
      return `create table ${table} (
  id bigint generated always as identity primary key,
  title text not null,
  price numeric(12, 2) not null default 0,
  tags text[] not null default '{}',
  details jsonb,
  created_at timestamptz not null default now()
);
`;
    case 2:
      return `alter table ${table} add column status text not null default 'open';\n`;
    case 3:
      return `create index thing_${Math.ceil(number / 5)}_status on ${table} (status, created_at desc);\n`;
    case 4:
      return `alter table ${table} add constraint price_positive check (price >= 0);\n`;
    default:
      return `insert into ${table} (title) values ('first of ${number}');\ncomment on table ${table} is 'A thing''s row.';\n`;
  }
}
