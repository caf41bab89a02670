/** What is wrong with parameters or members, by the path to each. */
import { Problem } from "../lib/problem.ts";

/** What zod says of a value that is not of its form. */
interface Misfit {
  readonly issues: readonly {
    readonly path: readonly PropertyKey[];
    readonly message: string;
  }[];
}

/** Problem `malformed` for values that are not of their form. */
export function malformedBy({ issues }: Misfit): Problem {
  const details = issues.map(({ path, message }) =>
    `${path.join(".") || "request"}: ${message}`
  );
  return new Problem("malformed", details.join("; "));
}
