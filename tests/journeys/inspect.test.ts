/** `restante inspect` over the genuine vectors: files, hex, standard input. */
import assert from "node:assert/strict";
import { TempDirectory } from "../kv/temp_directory.ts";
import { vectors } from "../vectors/mod.ts";
import { restante } from "./process.ts";

/** A unit of the genuine vectors, and whether it decodes. */
interface Unit {
  readonly id: string;
  readonly raw: string;
  readonly txpowid: string | null;
}

interface Report {
  readonly kind?: string;
  readonly txpowid?: string;
  readonly verdict: string;
  readonly detail: string | null;
}

const UNITS: Unit[] = [...vectors("txpow").cases, ...vectors("maxima").cases]
  .filter(({ kind }) => ["parse", "reject", "maxtxpow"].includes(kind))
  .map((vector) => {
    const { id, raw, txpowid, txpow } = vector as unknown as {
      id: string;
      raw: string;
      txpowid?: string;
      txpow?: { txpowid: string };
    };
    return {
      id,
      raw,
      txpowid: (txpowid ?? txpow?.txpowid)?.slice(2).toLowerCase() ?? null,
    };
  });

Deno.test("inspect --json prints one document a line for many files, raw and hex, in order", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const files: string[] = [];
    for (const [i, { id, raw }] of UNITS.entries()) {
      const file = `${folder}/${id}`;
      files.push(file);
      if (i % 2 === 0) await Deno.writeFile(file, Uint8Array.fromHex(raw));
      else await Deno.writeTextFile(file, `0x${raw.toUpperCase()}\n`);
    }
    const { code, stdout } = await restante(["inspect", "--json", ...files]);
    const reports = stdout.trimEnd().split("\n").map((line): Report =>
      JSON.parse(line)
    );
    assert.equal(reports.length, UNITS.length);
    for (const [i, { id, txpowid }] of UNITS.entries()) {
      const report = reports[i];
      assert.equal(report?.txpowid ?? null, txpowid, id);
      if (txpowid === null) {
        assert.deepEqual(Object.keys(report ?? {}), ["verdict", "detail"], id);
      }
    }
    assert.equal(code, 1, "some of them do not decode");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("inspect reads standard input, and exits with 0 for a unit and 1 for none", async () => {
  const [unit] = UNITS.filter(({ txpowid }) => txpowid !== null);
  assert.ok(unit);
  const cases: [Uint8Array, number, string][] = [
    [Uint8Array.fromHex(unit.raw), 0, unit.txpowid ?? ""],
    [new TextEncoder().encode(unit.raw), 0, unit.txpowid ?? ""],
    [new TextEncoder().encode("no unit"), 1, '"verdict":"malformed"'],
    [new Uint8Array(0), 1, '"verdict":"malformed"'],
  ];
  for (const [input, expected, contained] of cases) {
    for (const from of [["-"], []]) {
      const { code, stdout } = await restante(
        ["inspect", "--json", ...from],
        input,
      );
      assert.equal(code, expected);
      assert.ok(stdout.includes(contained), stdout);
    }
  }
});

Deno.test("inspect shows people a document of many lines, under the name of each file", async () => {
  const [unit] = UNITS.filter(({ txpowid }) => txpowid !== null);
  assert.ok(unit);
  await using directory = await TempDirectory.make();
  const file = directory.file("unit");
  await Deno.writeTextFile(file, unit.raw);
  const one = await restante(["inspect", file]);
  assert.equal(JSON.parse(one.stdout).txpowid, unit.txpowid);
  assert.match(one.stdout, /^\{\n {2}"kind": /);
  const two = await restante(["inspect", file, file]);
  assert.equal(two.stdout, `${file}:\n${one.stdout}`.repeat(2));
});
