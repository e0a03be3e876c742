/** Rows as the database of a store has them now, and what a store has to do to hold the same. */
import type { StoreModel } from "../../core/store/definition.ts";
import { keyText } from "../../core/store/keys.ts";
import { rowOfTexts } from "../../core/store/rows.ts";
import type { Row } from "../../core/store/store.ts";
import type { Session } from "../postgres/session.ts";
import type { Change } from "./json-store.ts";
import { columnsOf, selectRows, tableOf } from "./model-statements.ts";

/** Some changes, and about what their rows take. */
export interface Found {
  changes: Change[];
  bytes: number;
}

/** What becomes of each key, as the session's snapshot has its row: put, or deleted where there is none. Under `PINNED`. */
export async function* currentRows(
  session: Session,
  model: StoreModel,
  keys: readonly Row[],
): AsyncGenerator<Found> {
  let many = 1;
  for (let from = 0; from < keys.length; ) {
    const wanted = keys.slice(from, from + many);
    from += wanted.length;
    const { text, values } = selectRows(model, wanted);
    const { rows } = await session.table(text, values);
    const bytes = bytesOf(rows);
    const found = new Map<string, Row>();
    for (const texts of rows) {
      const row = rowOfTexts(model, texts);
      found.set(keyText(model, row), row);
    }
    const changes = wanted.map((key): Change => {
      const row = found.get(keyText(model, key));
      return row === undefined ? { model: model.name, delete: key } : { model: model.name, put: row };
    });
    yield { changes, bytes };
    many = nextMany(many, wanted.length, bytes);
  }
}

/** Every row of a model, as the session's snapshot has it. Under `PINNED`. */
export async function* allRows(session: Session, model: StoreModel): AsyncGenerator<Found> {
  await session.execute(
    `declare rehearsal_rows no scroll cursor for select ${columnsOf(model)} from ${tableOf(model)}`,
  );
  for (let many = 1; ; ) {
    const { rows } = await session.table(`fetch ${many} from rehearsal_rows`);
    if (rows.length === 0) break;
    const bytes = bytesOf(rows);
    const changes = rows.map((texts): Change => ({ model: model.name, put: rowOfTexts(model, texts) }));
    yield { changes, bytes };
    many = nextMany(many, rows.length, bytes);
  }
  await session.execute("close rehearsal_rows");
}

/** Rows that are read at once at most; wide ones are read fewer at a time. */
const MOST_ROWS = 1_000;
const READ_BYTES = 2 * 1024 ** 2;

/** How wide rows are is only known behind them, so it begins with one. */
function nextMany(many: number, rows: number, bytes: number): number {
  const width = Math.max(1, bytes / Math.max(1, rows));
  return Math.max(1, Math.min(MOST_ROWS, many * 8, Math.floor(READ_BYTES / width)));
}

function bytesOf(rows: readonly (readonly (string | null)[])[]): number {
  return rows.reduce((sum, row) => sum + row.reduce((size, one) => size + (one?.length ?? 0), 0), 0);
}
