/** What commands give back before they begin. */
import assert from "node:assert/strict";
import { ROOT } from "../journeys/process.ts";

/** A program of two commands that say what they may do. */
const SCRIPT = `
import { Command } from "commander";
import { narrowPermissions } from "./cli/permissions.ts";

const program = new Command();
for (const name of ["read", "bench"]) {
  program.command(name).action(async () => {
    const names = ["run", "read", "write", "net", "env"];
    const states = names.map(async (name) => [
      name,
      (await Deno.permissions.query({ name })).state,
    ]);
    console.log(JSON.stringify(Object.fromEntries(await Promise.all(states))));
  });
}
narrowPermissions(program);
await program.parseAsync(Deno.args, { from: "user" });
`;

for (const [command, run] of [["read", "prompt"], ["bench", "granted"]]) {
  Deno.test(`${command} has the permission to run "${run}" once it reads anything`, async () => {
    const child = new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "--no-prompt",
        "--allow-all",
        "--ext=ts",
        "-",
        command ?? "",
      ],
      cwd: ROOT,
      env: { NO_COLOR: "1" },
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(SCRIPT));
    await writer.close();
    const { stdout, stderr } = await child.output();
    const text = new TextDecoder();
    assert.equal(text.decode(stderr), "");
    assert.deepEqual(JSON.parse(text.decode(stdout)), {
      run,
      read: "granted",
      write: "granted",
      net: "granted",
      env: "granted",
    });
  });
}

Deno.test("every command of the program gives back what it does not need", async () => {
  // It parses hostile bytes: the one task that grants running must not let it.
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "eval",
      `
      const revoked = [];
      Deno.permissions.revokeSync = ({ name }) => revoked.push(name);
      Deno.exit = () => console.log(JSON.stringify(revoked));
      Object.defineProperty(Deno, "args", { value: ["completion", "bash", "--json"] });
      await import(${
        JSON.stringify(new URL("../../cli.ts", import.meta.url).href)
      });
      `,
    ],
    cwd: ROOT,
    env: { NO_COLOR: "1" },
  });
  const { stdout, stderr } = await child.output();
  const text = new TextDecoder();
  assert.equal(
    text.decode(stdout).trim().split("\n").at(-1),
    '["run"]',
    text.decode(stderr),
  );
});
