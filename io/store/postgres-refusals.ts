/** What Postgres says to a store's statements, in the words that all of a store's backends share. */
import { RehearsalError } from "../../core/errors.ts";
import type { StoreDefinition, StoreModel } from "../../core/store/definition.ts";
import type { Row } from "../../core/store/store.ts";

/** What was asked when the server refused. */
export interface Asking {
  model: StoreModel;
  key: Row;
  /** A row goes, and nothing new comes. */
  deletes: boolean;
}

/** The fields of the server's answer that tell which constraint it is. */
interface ServerFields {
  schema?: string;
  table?: string;
  constraint?: string;
  column?: string;
  message: string;
}

/** Something else came between: the whole transaction may run again. */
export function isConflict(error: unknown): boolean {
  return /^40(001|P01)$/.test(sqlstateOf(error) ?? "");
}

/** What the server does not call a conflict, and is one. */
export function staleView(): RehearsalError {
  const reason = "a constraint saw what the transaction does not";
  return new RehearsalError("StatementFailed", { sqlstate: "40001", reason, statement: "insert" });
}

/** The refusal of the catalogue; any other error as it is. `keys`: the primary keys' constraints, as `addressOf` writes them. */
export function storeRefusal(
  error: unknown,
  definition: StoreDefinition,
  keys: ReadonlySet<string>,
  { model, key, deletes }: Asking,
): unknown {
  const sqlstate = sqlstateOf(error);
  if (!(error instanceof Error) || sqlstate === undefined) return error;
  const fields = error.cause as ServerFields;
  const constraint = fields.constraint ?? "";
  const facts = { model: model.name, key: JSON.stringify(key) };
  const options = { cause: error };
  if (sqlstate === "23505")
    return new RehearsalError(
      "StoreUniqueViolated",
      { ...facts, constraint: keys.has(addressOf(fields.schema, constraint)) ? "primary key" : constraint },
      options,
    );
  if (sqlstate === "23503" || sqlstate === "23001") {
    const from = definition.models.find(
      ({ schema, table }) => schema === fields.schema && table === fields.table,
    );
    const references =
      from?.relations.find(({ name }) => name === constraint)?.references ?? fields.table ?? "";
    // In English it says so; in other languages the side is told by whose constraint it is.
    const missing =
      sqlstate === "23503" &&
      (/^insert or update /.test(fields.message) ||
        (!/^update or delete /.test(fields.message) && !deletes && from === model));
    return missing
      ? new RehearsalError("StoreReferenceMissing", { ...facts, constraint, references }, options)
      : new RehearsalError(
          "StoreStillReferenced",
          { ...facts, constraint, by: from?.name ?? fields.table ?? "" },
          options,
        );
  }
  // What a value cannot be, what a check or an exclusion forbids, and what a trigger refuses.
  if (/^(22|23|P0001)/.test(sqlstate))
    return new RehearsalError("StoreRowInvalid", { model: model.name, problems: fields.message }, options);
  return error;
}

/** Constraints of keys are indexes, whose names are one of a kind within a schema. */
export function addressOf(schema: string | undefined, constraint: string): string {
  return JSON.stringify([schema, constraint]);
}

function sqlstateOf(error: unknown): string | undefined {
  return error instanceof RehearsalError && error.code === "StatementFailed"
    ? (error as RehearsalError<"StatementFailed">).facts.sqlstate
    : undefined;
}
