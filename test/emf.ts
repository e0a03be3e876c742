/**
 * CloudWatch's embedded metric format, as its specification's schema has it: what does not fit here, CloudWatch takes for a
 * line like any other, and no alarm ever hears of it.
 */
import * as z from "zod";

const UNIT =
  /^(Seconds|Microseconds|Milliseconds|Bytes|Kilobytes|Megabytes|Gigabytes|Terabytes|Bits|Kilobits|Megabits|Gigabits|Terabits|Percent|Count|Bytes\/Second|Kilobytes\/Second|Megabytes\/Second|Gigabytes\/Second|Terabytes\/Second|Bits\/Second|Kilobits\/Second|Megabits\/Second|Gigabits\/Second|Terabits\/Second|Count\/Second|None)$/;

/** https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html */
const emf = z.looseObject({
  _aws: z.strictObject({
    Timestamp: z.int(),
    CloudWatchMetrics: z.array(
      z.strictObject({
        Namespace: z.string().min(1).max(255),
        // A set may be empty, and has at most thirty dimensions.
        Dimensions: z.array(z.array(z.string().min(1).max(250)).max(30)).min(1),
        Metrics: z
          .array(
            z.strictObject({
              Name: z.string().min(1).max(255),
              Unit: z.string().regex(UNIT).optional(),
              StorageResolution: z.union([z.literal(1), z.literal(60)]).optional(),
            }),
          )
          .max(100),
      }),
    ),
  }),
});

export interface Point {
  namespace: string;
  name: string;
  unit: string | undefined;
  value: number;
  /** Each dimension with its value, set by set. */
  dimensions: Record<string, string>[];
  /** What stands beside it. */
  beside: Record<string, unknown>;
}

/** The points of a line; none when it is no such document. Throws for one that CloudWatch would not take. */
export function pointsOf(line: string): Point[] {
  if (!line.includes('"_aws"')) return [];
  const { _aws, ...members } = emf.parse(JSON.parse(line));
  return _aws.CloudWatchMetrics.flatMap(({ Namespace, Dimensions, Metrics }) =>
    Metrics.map(({ Name, Unit }) => ({
      namespace: Namespace,
      name: Name,
      unit: Unit,
      // What is referred to must be there: a number, and texts of a thousand bytes at most.
      value: z.number().parse(members[Name]),
      dimensions: Dimensions.map((set) =>
        Object.fromEntries(set.map((name) => [name, z.string().min(1).max(1_024).parse(members[name])])),
      ),
      beside: members,
    })),
  );
}
