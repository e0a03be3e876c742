/** Which backend the environment of a program asks for: DATA_BACKEND, and where the two of them are. */
import * as z from "zod";
import { describeAddress, parseDatabaseUrl } from "../core/database-url.ts";
import { RehearsalError } from "../core/errors.ts";

export const DATA_BACKENDS = ["postgres", "json", "dual"] as const;
export type DataBackend = (typeof DATA_BACKENDS)[number];

type Environment = Readonly<Record<string, string | undefined>>;

/** What the library reads of the environment. */
const environmentSchema = z.object({
  /** `prisma` is what it is called where Prisma spoke to Postgres. */
  DATA_BACKEND: z
    .string()
    .default("postgres")
    .transform((value) => (value === "prisma" ? "postgres" : value)),
  DATABASE_URL: z.string().optional(),
  DATA_STORE: z.string().optional(),
});

/** The backend by DATA_BACKEND, which is postgres when it is not set; throws `DataBackendUnknown` for any other word. */
export function getDataBackend(environment: Environment = process.env): DataBackend {
  const { DATA_BACKEND: value } = environmentSchema.parse(environment);
  const backend = DATA_BACKENDS.find((one) => one === value);
  if (backend === undefined) throw new RehearsalError("DataBackendUnknown", { value });
  return backend;
}

/** Whether Postgres is written: by postgres and dual. */
export function usePostgres(environment?: Environment): boolean {
  return getDataBackend(environment) !== "json";
}

/** The same, by its older name. */
export const usePrisma = usePostgres;

/** Whether the files are written: by json and dual. */
export function useJsonStore(environment?: Environment): boolean {
  return getDataBackend(environment) !== "postgres";
}

/** Whether both are written. */
export function isDualMode(environment?: Environment): boolean {
  return getDataBackend(environment) === "dual";
}

/** Whether the move has begun: json or dual. */
export function isMigrationMode(environment?: Environment): boolean {
  return getDataBackend(environment) !== "postgres";
}

/** Where the environment says that the database and the files are. */
export function dataPlaces(environment: Environment = process.env): { database?: string; place?: string } {
  const { DATABASE_URL: database, DATA_STORE: place } = environmentSchema.parse(environment);
  return { ...(database !== undefined && { database }), ...(place !== undefined && { place }) };
}

/** One line of what is configured, without a password; on standard error when nobody else takes it. */
export function logBackendConfig(
  environment: Environment = process.env,
  write: (line: string) => void = (line) => process.stderr.write(`${line}\n`),
): void {
  const { database, place } = dataPlaces(environment);
  write(
    JSON.stringify({
      dataBackend: getDataBackend(environment),
      ...(usePostgres(environment) && {
        database: database === undefined ? null : describeAddress(parseDatabaseUrl(database)),
      }),
      ...(useJsonStore(environment) && { place: place ?? null }),
    }),
  );
}
