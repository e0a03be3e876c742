/** A database that is being made from a backup, as one attempt leaves it to the next: what is done inside of it is recorded there. */
export interface HalfMade {
  oid: number;
  /** Digest of the manifest that it is made from. */
  manifest: string;
  /** When it was begun, in seconds of its server's clock. */
  begun: number;
  /** Begun anew because one that went on came to no good end: it is the last. */
  anew?: true;
  /** Noted before the record inside of it goes; without that record it is whole, and yet to be proved. */
  filled?: {
    withoutTablespace: string[];
    /** Where a promotion keeps who wrote its rows. */
    writersKey?: string;
  };
}
