/** Completion scripts, in the shells that they are for. */
import assert from "node:assert/strict";
import { makeProgram } from "../../cli/program.ts";
import { restante } from "./process.ts";

async function scriptFor(shell: string): Promise<string> {
  const { code, stdout, stderr } = await restante(["completion", shell]);
  assert.equal(code, 0, stderr);
  return stdout;
}

/** What bash completes for each of these lines, the last word of each begun. */
async function completeInBash(
  script: string,
  lines: readonly string[],
): Promise<string[]> {
  const asked = lines.map((words) =>
    `COMP_WORDS=(${words}); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); ` +
    '_restante; echo "${COMPREPLY[*]}"'
  );
  const { code, stdout, stderr } = await new Deno.Command("bash", {
    args: ["-c", [script, ...asked].join("\n")],
    env: { LC_ALL: "C" },
  }).output();
  const text = new TextDecoder();
  assert.equal(code, 0, text.decode(stderr));
  return text.decode(stdout).split("\n").slice(0, -1);
}

const program = makeProgram(true);

const commands = program.commands.map((command) => ({
  name: command.name(),
  options: [...command.options.map(({ long }) => long ?? ""), "--help"],
  subcommands: command.commands.map((one) => ({
    name: one.name(),
    options: [...one.options.map(({ long }) => long ?? ""), "--help"],
  })),
}));

Deno.test("bash completes every command, and every option of each", async (t) => {
  const script = await scriptFor("bash");
  await t.step("commands", async () => {
    const [all] = await completeInBash(script, ["restante ''"]);
    assert.deepEqual(all?.split(" "), [
      ...commands.map(({ name }) => name),
      "--help",
      "--version",
    ]);
  });
  await t.step("options", async () => {
    const lines = commands.map(({ name }) => `restante ${name} --`);
    const completed = await completeInBash(script, lines);
    for (const [i, { name, options }] of commands.entries()) {
      assert.deepEqual(completed[i]?.split(" "), options, name);
    }
  });
  await t.step("commands of a command, and their options", async () => {
    const groups = commands.filter(({ subcommands }) => subcommands.length > 0);
    assert.deepEqual(groups.map(({ name }) => name), ["admin"]);
    for (const { name, subcommands } of groups) {
      const lines = [
        `restante ${name} ''`,
        ...subcommands.map((one) => `restante ${name} ${one.name} --`),
      ];
      assert.deepEqual(await completeInBash(script, lines), [
        subcommands.map((one) => one.name).join(" "),
        ...subcommands.map(({ options }) => options.join(" ")),
      ]);
    }
  });
  await t.step("what is begun, and the words behind an option", async () => {
    const table: [words: string, expected: string][] = [
      ["restante se", "serve send"],
      ["restante send --ho", "--hold"],
      ["restante send x --ho", "--hold"],
      ["restante keygen --suite ma", "maxima"],
      ["restante keygen --bi", "--bits"],
      ["restante init --bi", "--bits"],
      ["restante read --rea", "--reader"],
      ["restante read --wat", "--watch"],
      ["restante read --hold", ""],
      ["restante admin ev", "evict"],
      ["restante admin evict x --be", "--before"],
      ["restante admin evict deno.jso", "deno.json"],
      ["restante nothing --", ""],
      ["restante send deno.jso", "deno.json"],
      ["restante send --file deno.jso", "deno.json"],
    ];
    assert.deepEqual(
      await completeInBash(script, table.map(([words]) => words)),
      table.map(([, expected]) => expected),
    );
  });
});

/** What fish is to be told of a command. */
function linesOf(
  { name, options }: { name: string; options: readonly string[] },
  where: string,
  behind: string,
): RegExp[] {
  return [
    new RegExp(`^complete -c restante -n '${where}' -f -a ${name} -d '.+'$`),
    ...options.map((option) =>
      new RegExp(
        `^complete -c restante -n '${behind}' -l ${option.slice(2)} -d '.+'`,
      )
    ),
  ];
}

Deno.test("fish is told every command and every option of each, with what it does", async () => {
  const lines = (await scriptFor("fish")).trimEnd().split("\n");
  const wanted = commands.flatMap(({ name, options, subcommands }) => {
    const seen = `__fish_seen_subcommand_from ${name}`;
    return [
      ...linesOf({ name, options }, "__fish_use_subcommand", seen),
      ...subcommands.flatMap((one) =>
        linesOf(
          one,
          `${seen}; and not __fish_seen_subcommand_from [a-z -]+`,
          `${seen}; and __fish_seen_subcommand_from ${one.name}`,
        )
      ),
    ];
  });
  assert.equal(lines.length, wanted.length);
  for (const [i, pattern] of wanted.entries()) {
    assert.match(lines[i] ?? "", pattern);
    const text = (lines[i] ?? "").replaceAll(/\\[\\']/g, "");
    assert.equal(text.split("'").length % 2, 1, "every quote is closed");
  }
  const line = (pattern: RegExp) =>
    lines.find((line) => pattern.test(line)) ?? "";
  assert.match(line(/from send' -l hold /), / -r$/);
  assert.match(line(/from send' -l json /), /'$/);
  assert.match(line(/from keygen' -l suite /), / -r -a 'maxima'$/);
});

Deno.test("zsh runs what bash runs", async () => {
  assert.equal(
    await scriptFor("zsh"),
    `autoload -U +X bashcompinit && bashcompinit\n${await scriptFor("bash")}`,
  );
});

Deno.test("a completion script is a document too", async () => {
  const { stdout } = await restante(["completion", "bash", "--json"]);
  const { shell, script } = JSON.parse(stdout);
  assert.deepEqual([shell, `${script}\n`], ["bash", await scriptFor("bash")]);
});

Deno.test("there is no completion for other shells", async () => {
  const { code, stderr } = await restante(["completion", "toString"]);
  assert.equal(code, 1);
  assert.equal(
    stderr,
    "error: no completion for toString; there is bash, zsh, fish (usage)\n",
  );
});
