/**
 * The documentation check: every public symbol of the library, the store and
 * the client says what it is, and so does every member.
 *
 * `deno doc --lint` also asks for types to be written out that the codecs are
 * there to infer, and calls npm's types private; those two are left out.
 */

const FOLDERS = ["lib", "kv", "client"];
const LEFT_OUT = [
  "missing-explicit-type",
  "missing-return-type",
  "private-type-ref",
];

async function* sources(folder: string): AsyncGenerator<string> {
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = `${folder}/${name}`;
    if (isDirectory) yield* sources(path);
    else if (name.endsWith(".ts")) yield path;
  }
}

const files: string[] = [];
for (const folder of FOLDERS) {
  files.push(...await Array.fromAsync(sources(folder)));
}

const { stderr } = await new Deno.Command(Deno.execPath(), {
  args: ["doc", "--lint", ...files.toSorted()],
  env: { NO_COLOR: "1" },
  stdout: "null",
  stderr: "piped",
}).output();

const reports = new TextDecoder().decode(stderr).split(/^(?=error)/m).filter((
  part,
) => part.startsWith("error["));
const missing = reports.filter((report) =>
  !LEFT_OUT.some((rule) => report.startsWith(`error[${rule}]`))
);
for (const report of missing) console.error(report);
console.log(`${files.length} modules, ${missing.length} without documentation`);
Deno.exit(missing.length === 0 ? 0 : 1);
