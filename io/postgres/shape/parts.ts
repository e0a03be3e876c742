/** What is asked of the catalogs for a shape, by part: groups of what there is much of, and kinds. */
import type { Kind } from "./catalog.ts";
import { CLASSES } from "./classes.ts";
import { collations } from "./collations.ts";
import { COLUMNS, DEFAULTS } from "./columns.ts";
import { domainConstraints, otherConstraints, usualConstraints } from "./constraints.ts";
import { casts, encodingConversions, transforms } from "./conversions.ts";
import { dataTypes } from "./data-types.ts";
import { DEPENDENCIES } from "./dependencies.ts";
import { eventTriggers } from "./event-triggers.ts";
import { extensions, languages } from "./extensions.ts";
import { foreignDataWrappers, foreignServers, userMappings } from "./foreign.ts";
import { aggregates, functions } from "./functions.ts";
import { WORDS } from "./identifiers.ts";
import { DEFAULT_CLASSES, INDEXES, otherIndexes } from "./indexes.ts";
import { COMMENTS, LABELS } from "./notes.ts";
import { accessMethods, operatorClasses, operatorFamilies, operators } from "./operators.ts";
import { policies } from "./policies.ts";
import { publications } from "./publications.ts";
import { relations } from "./relations.ts";
import { defaultPrivileges, schemas } from "./schemas.ts";
import { SEQUENCES } from "./sequences.ts";
import { statistics } from "./statistics.ts";
import {
  textSearchConfigurations,
  textSearchDictionaries,
  textSearchParsers,
  textSearchTemplates,
} from "./text-search.ts";
import { rules, triggers } from "./triggers.ts";

/** SQL of each group. */
export function groupsOf(major: number): Record<Group, string> {
  return {
    ...{ words: WORDS, dependencies: DEPENDENCIES, comments: COMMENTS, labels: LABELS },
    ...{ classes: CLASSES, columns: COLUMNS, defaults: DEFAULTS, operatorClasses: DEFAULT_CLASSES },
    ...{ indexes: INDEXES, constraints: usualConstraints(major), sequences: SEQUENCES },
  };
}

export type Group =
  | ("words" | "dependencies" | "comments" | "labels" | "classes" | "columns" | "defaults")
  | ("operatorClasses" | "indexes" | "constraints" | "sequences");

/** Of this major. */
export function kindsOf(major: number): Record<string, Kind> {
  return {
    ...{ schemas, defaultPrivileges, extensions, languages },
    ...{ relations, otherIndexes, otherConstraints: otherConstraints(major), triggers, rules, policies },
    ...{ statistics, dataTypes, domainConstraints, collations: collations(major), functions, aggregates },
    ...{
      operators,
      operatorClasses,
      operatorFamilies,
      accessMethods,
      casts,
      transforms,
      encodingConversions,
    },
    ...{ textSearchParsers, textSearchTemplates, textSearchDictionaries, textSearchConfigurations },
    ...{
      eventTriggers,
      publications: publications(major),
      foreignDataWrappers,
      foreignServers,
      userMappings,
    },
  };
}
