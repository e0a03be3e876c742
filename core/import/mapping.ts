/**
 * `imports/NAME.yaml`: how a tree of files becomes rows. One record is one folder; its documents are JSON, and what lies beside
 * them are files. What the mapping does not name is not read, and told.
 */
import * as z from "zod";
import { didYouMean } from "../did-you-mean.ts";
import { readName } from "../plain-name.ts";
import { configInvalid, parseYamlFile } from "../yaml-file.ts";
import { parseKeyTemplate } from "./key-template.ts";
import { describeIssues } from "./mapping-issues.ts";
import { checkMapping } from "./mapping-rules.ts";
import { parsePath } from "./path.ts";
import { parsePattern } from "./pattern.ts";

/** The record's own document, by its name in `from`, `in` and `document`. */
const RECORD = "record";

const word = z.string().regex(/^[a-z][a-z0-9_-]{0,59}$/, "use lower-case letters, digits, _ and -");

const name = z
  .string()
  .max(200)
  .refine((text) => readName(text)?.length !== undefined, "it is no name, like jobs or public.jobs");

const column = z
  .string()
  .max(63)
  .refine((text) => readName(text)?.length === 1, "it is no column's name");

const path = z.string().max(500).transform(parsing(parsePath));
const pattern = z.string().max(500).transform(parsing(parsePattern));
const keyTemplate = z.string().max(500).transform(parsing(parseKeyTemplate));

/** What a value has to be in the document; the column's own type decides how it is stored. */
const VALUE_TYPES = [
  "text",
  "integer",
  "numeric",
  "boolean",
  "date",
  "timestamp",
  "timestamptz",
  "uuid",
  "json",
] as const;

const fromPath = z.strictObject({
  /** From the row's element, which is `$`; a path that begins with `$$` is from the top of its document. */
  path,
  type: z.enum(VALUE_TYPES).default("text"),
  /** Missing or null refuses the record. Columns of the key always are. */
  required: z.boolean().default(false),
  /** Stands in for what is missing or null. */
  default: z.union([z.string(), z.number(), z.boolean()]).optional(),
  /** The document's words, and what is stored for each; another word refuses the record. */
  values: z.record(z.string(), z.string()).optional(),
  /** An empty text is as good as none. */
  empty: z.literal("null").optional(),
  /** timestamptz: the zone of times that name none, as Postgres knows it; without one they refuse the record. */
  zone: z
    .string()
    .regex(/^[A-Za-z][A-Za-z0-9_+/-]{0,60}$/, "it is no time zone, like UTC or Europe/Berlin")
    .optional(),
  /** timestamp and timestamptz: a number counts these since 1970, in UTC. */
  epoch: z.enum(["seconds", "milliseconds"]).optional(),
});

/** The value itself, the same for every row. */
const constant = z.strictObject({ value: z.union([z.string(), z.number(), z.boolean()]) });

/** A column of another row of the same record: of a set that stands before this one. */
const ofRow = z.strictObject({
  row: word,
  column: column.default("id"),
  /** Which of its rows: by the text of a column, and where it stands in this row's element. Without it: of the same document the row of this or an outer element, else the row of the nearest folder above, else the record's only one. */
  by: z.record(column, path).optional(),
  /** No such row: null instead of a refusal. */
  optional: z.boolean().default(false),
});

/** A column of a row that is in the database already. */
const ofTable = z.strictObject({
  table: name,
  column: column.default("id"),
  by: z.record(column, path),
  optional: z.boolean().default(false),
});

/** Of the file that the row is made from. */
const ofFile = z.strictObject({ file: z.enum(["path", "name", "stem", "extension", "folder"]) });

/** What a star of the document's pattern stood for, counted from 1. */
const ofStar = z.strictObject({ star: z.int().min(1).max(20) });

/** Of the object in the bucket. */
const ofMedia = z.strictObject({ media: z.enum(["key", "sha256", "bytes", "contentType"]) });

/** SHA-256 in hex of another column as the database prints it: of a jsonb, its canonical form. */
const ofHash = z.strictObject({ sha256: column });

/** Each form of a value, by the key that it must have. */
const FORMS = {
  path: fromPath,
  value: constant,
  row: ofRow,
  table: ofTable,
  file: ofFile,
  star: ofStar,
  media: ofMedia,
  sha256: ofHash,
};

type Forms = typeof FORMS;

export type FromPath = z.infer<typeof fromPath>;

/** What a column is filled with. */
export type ColumnValue = { [K in keyof Forms]: { form: K } & z.infer<Forms[K]> }[keyof Forms];

/** A text is the path of a text. */
const valueSchema = z.unknown().transform((given, context): ColumnValue => {
  const whole = typeof given === "string" ? { path: given } : given;
  const keys = typeof whole === "object" && whole !== null ? Object.keys(whole) : [];
  const form = keys.find((key): key is keyof Forms => Object.hasOwn(FORMS, key));
  if (form === undefined) {
    const guess =
      keys.length === 1 && keys[0] !== undefined ? `, ${didYouMean(keys[0], Object.keys(FORMS))}` : "";
    context.addIssue({
      code: "custom",
      message: `write a path, or one of: ${Object.keys(FORMS).join(", ")}${guess}`,
    });
    return z.NEVER;
  }
  const parsed = FORMS[form].safeParse(whole);
  if (parsed.success) return { form, ...parsed.data } as ColumnValue;
  for (const message of describeIssues(parsed.error.issues, () => Object.keys(FORMS[form].shape)))
    context.addIssue({ code: "custom", message });
  return z.NEVER;
});

const documentSchema = z.strictObject({
  /** Below the record's folder; a star is any name or part of one. With stars there may be many. */
  files: pattern,
  /** `file`: it is not JSON, and is stored as it is. */
  as: z.enum(["json", "file"]).default("json"),
  /** None of them refuses the record. */
  required: z.boolean().default(false),
});

const mediaSchema = z.strictObject({
  /** Where the element says which file; without it the document itself, which is then `as: file`. */
  file: path.optional(),
  /** What the file's path is relative to. */
  relativeTo: z.enum(["document", "record"]).default("document"),
  /** Below the storage's root: `media/{job.reference}/{file.name}`; it begins with a folder of its own. */
  key: keyTemplate,
  /** Where the element says what the file's SHA-256 is (hex); another refuses the record. */
  sha256: path.optional(),
  /** The same of its size. */
  bytes: path.optional(),
  /** By the file's ending when left out. */
  contentType: z.string().min(3).max(200).optional(),
  /** The element may name no file, or one that is not there: then there is no row. */
  optional: z.boolean().default(false),
});

const rowsSchema = z.strictObject({
  table: name,
  /** The document, or documents, that it is made from. */
  from: word.default(RECORD),
  /** One row for each element of this array; without it, one for each document. */
  each: path.optional(),
  /** Only where something other than null stands here. */
  when: path.optional(),
  /** The columns that name a row, for people: how it is found again. A unique index on exactly these. */
  key: z.array(column).min(1).max(10),
  /**
   * `update`: the row is this record's, and made as the record says. `keep`: it may be many records', the first one makes it,
   * and a later one that says otherwise is listed.
   */
  existing: z.enum(["update", "keep"]).default("update"),
  media: mediaSchema.optional(),
  columns: z.record(column, valueSchema),
});

export type Rows = z.infer<typeof rowsSchema>;

const placeSchema = z.strictObject({ in: word, path });

const mappingSchema = z.strictObject({
  from: z.literal("files").default("files"),
  description: z.string().max(500).optional(),
  records: z
    .strictObject({
      /** Which folders are records: `*`, or `jobs/*` below a folder. No record lies in another. */
      folders: pattern.prefault("*"),
      file: z
        .string()
        .regex(/^[^/\\]{1,200}$/, "it is a file's name, without a folder")
        .default("job_record.json"),
    })
    .prefault({}),
  documents: z.record(word, documentSchema).default({}),
  /** In this order: a row may name those before it. */
  rows: z.record(word, rowsSchema).refine((rows) => Object.keys(rows).length > 0, "name at least one"),
  /** What should agree, and where it stands. What does not is listed, and stays as it is in both. */
  compare: z
    .array(
      z.strictObject({
        what: z.string().min(1).max(200),
        between: z.tuple([placeSchema, placeSchema]),
        /** Equal whatever case and white space at the ends. */
        loosely: z.boolean().default(false),
      }),
    )
    .max(100)
    .default([]),
  limits: z
    .strictObject({
      /** Bytes of one document. */
      document: z.int().min(1_000).max(100_000_000).default(20_000_000),
      /** Levels of one document. */
      depth: z.int().min(4).max(1_000).default(100),
      /** Files in one record's folder. */
      files: z.int().min(1).max(100_000).default(10_000),
    })
    .prefault({}),
});

export type ImportMapping = z.infer<typeof mappingSchema> & {
  /** `legacy` of `imports/legacy.yaml`. */
  name: string;
  path: string;
};

/** Reads one mapping; throws `ConfigInvalid` with every problem, unknown keys with what was probably meant. */
export function parseImportMapping(path: string, bytes: Uint8Array): ImportMapping {
  const parsed = mappingSchema.safeParse(parseYamlFile(path, bytes) ?? {});
  if (!parsed.success) throw configInvalid(path, describeIssues(parsed.error.issues, knownAt));
  const mapping = { ...parsed.data, name: path.replace(/^imports\//, "").replace(/\.yaml$/, ""), path };
  const problems = checkMapping(mapping);
  if (problems.length > 0) throw configInvalid(path, problems);
  return mapping;
}

/** A reader that throws in words, as a step of a schema. */
function parsing<T>(read: (text: string) => T) {
  return (text: string, context: z.RefinementCtx): T => {
    try {
      return read(text);
    } catch (error) {
      context.addIssue({ code: "custom", message: error instanceof Error ? error.message : String(error) });
      return z.NEVER;
    }
  };
}

/** The keys that a place of a mapping knows. */
function knownAt(path: readonly PropertyKey[]): readonly string[] {
  const [top, , inner] = path.map(String);
  if (top === "records") return Object.keys(mappingSchema.shape.records.unwrap().shape);
  if (top === "limits") return Object.keys(mappingSchema.shape.limits.unwrap().shape);
  if (top === "documents") return Object.keys(documentSchema.shape);
  if (top === "rows") return Object.keys((inner === "media" ? mediaSchema : rowsSchema).shape);
  if (top === "compare") return [...Object.keys(placeSchema.shape), "what", "between", "loosely"];
  return Object.keys(mappingSchema.shape);
}
