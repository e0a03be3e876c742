/** The metadata report: what an application's data is at one instant, model by model, counted and summed. */

import type { OnProgress } from "../../../core/progress.ts";
import type { ColumnType } from "../../../core/store/column-type.ts";
import type { StoreColumn, StoreDefinition, StoreModel } from "../../../core/store/definition.ts";
import type { ContentSum } from "../../../core/store/digest.ts";
import type { ModelMetadata, StoreMetadata } from "../../../core/store/metadata.ts";
import { tableOf } from "../model-statements.ts";
import { atOneCut, type CutOptions, shared } from "./cut.ts";
import { sumOfModel } from "./model-rows.ts";

export interface DumpOptions extends CutOptions {
  definition: StoreDefinition;
  /** Sessions that read at once; 4 when not given. */
  connections?: number;
  onProgress?: OnProgress;
}

/** Reads every row of every model, all at one instant; nothing is written anywhere. Memory does not grow with the rows. */
export async function dumpMetadata(options: DumpOptions): Promise<StoreMetadata> {
  const { definition, connections = 4, onProgress } = options;
  return atOneCut(options, async (cut) => {
    const sums = new Map<string, ContentSum>();
    const done = { bytes: 0, rows: 0 };
    await shared(cut, connections, [...definition.models], async (session, model) => {
      const sum = await sumOfModel(session, model, (bytes, rows) => {
        done.bytes += bytes;
        done.rows += rows;
        onProgress?.({ done: { ...done }, now: model.name });
      });
      sums.set(model.name, sum);
    });
    const models = definition.models.map(
      (model) => [model.name, describe(model, sums.get(model.name))] as const,
    );
    const [server] = await cut.holder.query<{ version: string }>(
      "select current_setting('server_version') as version",
    );
    return {
      format: "rehearsal-store-metadata/1",
      takenAt: cut.takenAt,
      schema: definition.schema,
      database: {
        ...{ name: cut.holder.address.database, server: server?.version ?? "", snapshot: cut.snapshot },
      },
      totals: totalsOf(models.map(([, model]) => model)),
      // From entries, for a model may be called `__proto__`.
      models: Object.fromEntries(models),
    };
  });
}

function describe(model: StoreModel, sum: ContentSum | undefined): ModelMetadata {
  if (sum === undefined) throw new Error(`"${model.name}" was not read`);
  const { key, relations, unique, notCarried, content, file } = model;
  return {
    ...{
      table: tableOf(model),
      file,
      ...sum,
      key,
      unique: unique.map(({ name, columns }) => ({ name, columns })),
    },
    columns: model.columns.map(({ name, type, nullable, encrypted, of }: StoreColumn) => ({
      ...{ name, type, nullable },
      ...(encrypted && { encrypted }),
      ...(isJson(of) && { json: true as const }),
      ...(Object.hasOwn(content, name) && { content: content[name] ?? "" }),
    })),
    relations: relations.map(({ name, columns, references, referencedColumns, onDelete, onUpdate }) => ({
      ...{ name, columns, references, referencedColumns, onDelete, onUpdate },
    })),
    notCarried,
  };
}

function isJson({ kind }: ColumnType): boolean {
  return kind === "json" || kind === "jsonb";
}

function totalsOf(models: readonly ModelMetadata[]): StoreMetadata["totals"] {
  const sum = (of: (model: ModelMetadata) => number) => models.reduce((total, model) => total + of(model), 0);
  return {
    models: models.length,
    rows: sum(({ rows }) => rows),
    relations: sum(({ relations }) => relations.length),
    encrypted: sum(({ columns }) => columns.filter(({ encrypted }) => encrypted).length),
    json: sum(({ columns }) => columns.filter(({ json }) => json).length),
  };
}
