/**
 * The test vectors of the genuine node, and the promise that each is run.
 *
 * They are read from the directory named by RESTANTE_VECTORS, else from a
 * `shared/spec/vectors` beside the repository, else from the copy in here. The
 * copy, wherever it lies, must hold exactly the cases of {@link PINNED}.
 */
import assert from "node:assert/strict";
import { pathToFileURL } from "node:url";
import { PINNED } from "./pinned.ts";

/** The name of a vector file, without its extension. */
export type VectorFileName = keyof typeof PINNED;

/** One case: more members stand beside these, by kind. */
export interface Vector {
  readonly id: string;
  readonly kind: string;
  readonly note?: string;
}

/** A named key pair of a file's cases: DER as hex, and the key as Mx text. */
export interface VectorKey {
  readonly publicKey: string;
  readonly privateKey: string;
  readonly mx?: string;
}

/** A vector file. */
export interface VectorFile {
  readonly description: string;
  readonly cases: readonly Vector[];
  readonly keys?: Readonly<Record<string, VectorKey>>;
  readonly constants?: Readonly<Record<string, unknown>>;
  readonly replyCodes?: Readonly<Record<string, string>>;
}

/** The copy that the repository holds. */
export const OWN_COPY = new URL("./", import.meta.url);

/** Where the vectors are read from. */
export const DIRECTORY = directory();

function directory(): URL {
  const named = Deno.env.get("RESTANTE_VECTORS");
  if (named) return pathToFileURL(`${named}/`);
  const beside = new URL("../../../shared/spec/vectors/", import.meta.url);
  return exists(beside) ? beside : OWN_COPY;
}

function exists(url: URL): boolean {
  try {
    return Deno.statSync(url).isDirectory;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

const read = new Map<string, VectorFile>();

/** A vector file, read once. */
export function vectors(
  file: VectorFileName,
  from: URL = DIRECTORY,
): VectorFile {
  const url = new URL(`${file}.json`, from);
  const known = read.get(url.href);
  if (known !== undefined) return known;
  const parsed: VectorFile = JSON.parse(Deno.readTextFileSync(url));
  read.set(url.href, parsed);
  return parsed;
}

/** What a case says, without its name and without the members given. */
export function claims(
  vector: object,
  ...without: readonly string[]
): Record<string, unknown> {
  const left = Object.entries(vector).filter(([name]) =>
    !["id", "kind", "note", ...without].includes(name)
  );
  return Object.fromEntries(left);
}

/** How many there are of each kind. */
export function countKinds(cases: readonly Vector[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { kind } of cases) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}

/** Whether a file is the copy, so that its counts are known. */
function isCopy(file: VectorFileName): boolean {
  return DIRECTORY.href === OWN_COPY.href ||
    JSON.stringify(vectors(file)) === JSON.stringify(vectors(file, OWN_COPY));
}

/** What to run for each kind of case. */
export type Runners<Kinds> = {
  readonly [kind in keyof Kinds]: (
    vector: Kinds[kind],
  ) => void | Promise<void>;
};

/** Tests every case of a file; a kind that has no runner fails. */
export function testVectors<Kinds>(
  file: VectorFileName,
  runners: Runners<Kinds>,
): void {
  Deno.test(`${file}.json: every case`, (t) => {
    return runCases(t, file, vectors(file).cases, PINNED[file], runners);
  });
}

/** Tests the cases of those kinds only that have a runner. */
export function testVectorsOfKinds<Kinds>(
  file: VectorFileName,
  runners: Runners<Kinds>,
): void {
  const kinds = Object.keys(runners);
  Deno.test(`${file}.json: every case of ${kinds.join(", ")}`, (t) => {
    const ours = (kind: string) => Object.hasOwn(runners, kind);
    const cases = vectors(file).cases.filter(({ kind }) => ours(kind));
    assert.deepEqual(Object.keys(countKinds(cases)).sort(), kinds.sort());
    const pinned = Object.entries(PINNED[file]).filter(([kind]) => ours(kind));
    return runCases(t, file, cases, Object.fromEntries(pinned), runners);
  });
}

async function runCases<Kinds>(
  t: Deno.TestContext,
  file: VectorFileName,
  cases: readonly Vector[],
  pinned: Readonly<Record<string, number>>,
  runners: Runners<Kinds>,
): Promise<void> {
  const run: Vector[] = [];
  for (const vector of cases) {
    const { id, kind, note } = vector;
    await t.step([id, kind, note ?? ""].join(" ").trimEnd(), async () => {
      run.push(vector);
      await runnerOf(runners, kind)(vector);
    });
  }
  assert.ok(run.length > 0, `no case of ${file}.json was found`);
  assert.equal(run.length, cases.length, "every case is run, once");
  if (isCopy(file)) assert.deepEqual(countKinds(run), pinned);
}

/** The runner of a kind. That its cases are as it expects is taken on trust. */
export function runnerOf<Kinds>(
  runners: Runners<Kinds>,
  kind: string,
): (vector: Vector) => void | Promise<void> {
  if (!Object.hasOwn(runners, kind)) {
    throw new Error(`no runner for vectors of kind "${kind}"`);
  }
  return runners[kind as keyof Kinds] as (
    vector: Vector,
  ) => void | Promise<void>;
}
