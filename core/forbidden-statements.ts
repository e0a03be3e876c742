/** Statements that no migration may hold, by kind: transaction control, changes of the session, reach to the server and beyond. */
import { refusedSetting } from "./forbidden-settings.ts";
import type { ParsedStatement } from "./sql-parser.ts";
import { asText, fieldsOf, nameParts, optionsOf, type Tree } from "./sql-tree.ts";

/** A reason to refuse, before it has its place. */
export type Refusal =
  | {
      code: "TransactionControl" | "ClusterWide" | "LedgerTouched" | "CatalogWritten" | "InlineCopy";
      what: string;
    }
  | { code: "SessionChange" | "ServerReach"; what: string; reason: string };

/** The refusal of a statement by what it is, not yet by what stands inside it. */
export function forbiddenStatement({
  kind,
  fields,
}: Pick<ParsedStatement, "kind" | "fields">): Refusal | undefined {
  return STATEMENTS[kind]?.(fields);
}

type Refuse = (fields: Tree) => Refusal | undefined;

const clusterWide =
  (what: string): Refuse =>
  () => ({ code: "ClusterWide", what });

const reaches =
  (what: string, reason: string): Refuse =>
  () => ({ code: "ServerReach", what, reason });

/** Objects that belong to the server, not to one database. */
const SHARED_OBJECTS: Record<string, string> = {
  OBJECT_DATABASE: "DATABASE",
  OBJECT_ROLE: "ROLE",
  OBJECT_TABLESPACE: "TABLESPACE",
  OBJECT_PARAMETER_ACL: "PARAMETER",
};

/** Refuses `verb` when one of the fields says that it is about a shared object. */
const onShared =
  (verb: string, field: string): Refuse =>
  (fields) => {
    const shared = SHARED_OBJECTS[asText(fields[field]) ?? ""];
    return shared === undefined ? undefined : { code: "ClusterWide", what: `${verb} ${shared}` };
  };

/** Languages whose functions run as the server's own user, or are the server's own code. */
const UNTRUSTED = new Set([
  "c",
  "internal",
  "plpythonu",
  "plpython2u",
  "plpython3u",
  "plperlu",
  "pltclu",
  "plsh",
]);

/** Extensions that exist to reach files, programs or other servers. */
const REACHING_EXTENSIONS = new Set(["dblink", "postgres_fdw", "file_fdw", "adminpack", ...UNTRUSTED]);

const STATEMENTS: Record<string, Refuse> = {
  TransactionStmt: (fields) => ({
    code: "TransactionControl",
    what: String(fields.kind).slice("TRANS_STMT_".length).replaceAll("_", " "),
  }),
  VariableSetStmt: setting,
  DiscardStmt: (fields) => ({
    code: "SessionChange",
    what: String(fields.target).replace("_", " "),
    reason: "it takes away what the runner set up",
  }),
  ListenStmt: () => ({ code: "SessionChange", what: "LISTEN", reason: "nobody would hear it" }),
  UnlistenStmt: () => ({
    code: "SessionChange",
    what: "UNLISTEN",
    reason: "it changes the runner's session",
  }),
  CopyStmt: copy,

  AlterSystemStmt: reaches("ALTER SYSTEM", "it changes the whole server"),
  LoadStmt: reaches("LOAD", "it loads a library into the server"),
  CheckPointStmt: clusterWide("CHECKPOINT"),

  CreatedbStmt: clusterWide("CREATE DATABASE"),
  DropdbStmt: clusterWide("DROP DATABASE"),
  AlterDatabaseStmt: clusterWide("ALTER DATABASE"),
  AlterDatabaseSetStmt: clusterWide("ALTER DATABASE"),
  AlterDatabaseRefreshCollStmt: clusterWide("ALTER DATABASE"),
  CreateTableSpaceStmt: clusterWide("CREATE TABLESPACE"),
  DropTableSpaceStmt: clusterWide("DROP TABLESPACE"),
  AlterTableSpaceOptionsStmt: clusterWide("ALTER TABLESPACE"),
  CreateRoleStmt: clusterWide("CREATE ROLE"),
  AlterRoleStmt: clusterWide("ALTER ROLE"),
  AlterRoleSetStmt: clusterWide("ALTER ROLE"),
  DropRoleStmt: clusterWide("DROP ROLE"),
  GrantRoleStmt: (fields) => ({
    code: "ClusterWide",
    what: fields.is_grant === true ? "GRANT of a role" : "REVOKE of a role",
  }),
  // These two also work on the shared objects that the role owns or has rights on.
  DropOwnedStmt: clusterWide("DROP OWNED"),
  ReassignOwnedStmt: clusterWide("REASSIGN OWNED"),
  GrantStmt: onShared("GRANT ON", "objtype"),
  CommentStmt: onShared("COMMENT ON", "objtype"),
  SecLabelStmt: onShared("SECURITY LABEL ON", "objtype"),
  RenameStmt: onShared("ALTER", "renameType"),
  AlterOwnerStmt: onShared("ALTER", "objectType"),

  CreateSubscriptionStmt: reaches("CREATE SUBSCRIPTION", "it connects to another server"),
  AlterSubscriptionStmt: reaches("ALTER SUBSCRIPTION", "it connects to another server"),
  DropSubscriptionStmt: reaches("DROP SUBSCRIPTION", "it connects to another server"),
  CreateFdwStmt: reaches("CREATE FOREIGN DATA WRAPPER", "it opens a way to other servers"),
  CreateForeignServerStmt: reaches("CREATE SERVER", "it opens a way to another server"),
  AlterForeignServerStmt: reaches("ALTER SERVER", "it opens a way to another server"),
  CreateUserMappingStmt: reaches("CREATE USER MAPPING", "it would keep a password in a release"),
  AlterUserMappingStmt: reaches("ALTER USER MAPPING", "it would keep a password in a release"),
  ImportForeignSchemaStmt: reaches("IMPORT FOREIGN SCHEMA", "it connects to another server"),

  CreateExtensionStmt: (fields) => {
    const name = asText(fields.extname) ?? "";
    return REACHING_EXTENSIONS.has(name)
      ? {
          code: "ServerReach",
          what: `CREATE EXTENSION ${name}`,
          reason: "it exists to reach out of the database",
        }
      : undefined;
  },
  CreatePLangStmt: (fields) => untrusted(asText(fields.plname)),
  CreateFunctionStmt: (fields) => untrusted(nameParts(optionsOf(fields.options).get("language"))[0]),
  DoStmt: (fields) => untrusted(nameParts(optionsOf(fields.args).get("language"))[0]),
  ExplainStmt: (fields) => inner(fields.query),
  PrepareStmt: (fields) => inner(fields.query),
};

function untrusted(language: string | undefined): Refusal | undefined {
  if (language === undefined || !UNTRUSTED.has(language.toLowerCase())) return undefined;
  return {
    code: "ServerReach",
    what: `LANGUAGE ${language}`,
    reason: "its code is not held inside the database",
  };
}

function inner(query: unknown): Refusal | undefined {
  for (const [kind, refuse] of Object.entries(STATEMENTS)) {
    const fields = fieldsOf(query, kind);
    if (fields !== undefined) return refuse(fields);
  }
  return undefined;
}

function setting(fields: Tree): Refusal | undefined {
  const name = asText(fields.name) ?? "";
  const verb = String(fields.kind).startsWith("VAR_RESET") ? "RESET" : "SET";
  if (fields.kind === "VAR_RESET_ALL")
    return { code: "SessionChange", what: "RESET ALL", reason: "it takes away what the runner set up" };
  if (fields.kind === "VAR_SET_MULTI") {
    if (name.startsWith("TRANSACTION")) return { code: "TransactionControl", what: `SET ${name}` };
    return { code: "SessionChange", what: `SET ${name}`, reason: "the transaction is Rehearsal's" };
  }
  const reason = refusedSetting(name);
  return reason === undefined ? undefined : { code: "SessionChange", what: `${verb} ${name}`, reason };
}

function copy(fields: Tree): Refusal | undefined {
  const direction = fields.is_from === true ? "FROM" : "TO";
  if (fields.is_program === true)
    return {
      code: "ServerReach",
      what: `COPY ${direction} PROGRAM`,
      reason: "it runs a program on the server",
    };
  if (fields.filename !== undefined)
    return {
      code: "ServerReach",
      what: `COPY ${direction} a file`,
      reason: "it reads or writes files of the database server",
    };
  return { code: "InlineCopy", what: `COPY ${direction} ${fields.is_from === true ? "STDIN" : "STDOUT"}` };
}
