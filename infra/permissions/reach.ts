/** What functions may touch outside of the deployment: what the settings list, and what the deployment was given instead of making it. */
import type { Deployment } from "../deployment.ts";
import type { Surroundings } from "../settings.ts";
import type { Listed } from "./listed.ts";

export interface Reach extends Listed {
  /** True where functions run in a network of the account, to which Lambda attaches them by their role. */
  inNetwork: boolean;
  control: {
    /** Of a secret that is not ours. */
    givenSecret: string | null;
    /** Who logs in by IAM, as ARNs of `rds-db`. */
    users: string[];
    /** The secret that RDS keeps, for whoever makes that user. */
    masterSecret: string | null;
  };
  /** The address that mails come from, and the identity of SES that it belongs to: itself, or its domain. */
  email: { from: string; identity: string } | null;
  /** The repository that the container's image is in, by ARN. */
  imageRepository: string | null;
}

export function reachOf(d: Deployment, around: Surroundings, controlUser: string): Reach {
  const { controlDatabase, controlCluster, masterSecret, emailFrom, emailIdentity } = around;
  return {
    ...around.reach,
    inNetwork: around.network.kind !== "none",
    control: {
      givenSecret: controlDatabase.kind === "given" ? controlDatabase.secret : null,
      users:
        controlCluster === null
          ? []
          : [`arn:${d.partition}:rds-db:${d.region}:${d.account}:dbuser:${controlCluster}/${controlUser}`],
      masterSecret,
    },
    email: emailFrom === undefined ? null : { from: emailFrom, identity: emailIdentity ?? emailFrom },
    imageRepository: around.imageRepository,
  };
}
