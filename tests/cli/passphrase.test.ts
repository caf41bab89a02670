/** Asking for a passphrase: what is typed, and how the terminal is left. */
import assert from "node:assert/strict";
import { newPassphrase, readPassphrase } from "../../cli/passphrase.ts";

/** A terminal on which something was typed; what becomes of it, in order. */
class FakeTerminal implements Disposable {
  readonly events: string[] = [];
  /** How often something was read that nobody may see. */
  #isRaw = false;
  readonly #typed: number[];
  readonly #variable = Deno.env.get("RESTANTE_PASSPHRASE");

  constructor(typed: string | Uint8Array) {
    this.#typed = [
      ...typeof typed === "string" ? new TextEncoder().encode(typed) : typed,
    ];
    Deno.env.delete("RESTANTE_PASSPHRASE");
    Object.assign(Deno.stdin, {
      isTerminal: () => true,
      setRaw: (isRaw: boolean) => {
        this.#isRaw = isRaw;
        this.events.push(isRaw ? "raw" : "as it was");
      },
      read: (buffer: Uint8Array) => {
        assert.ok(this.#isRaw, "what is typed is shown");
        const byte = this.#typed.shift();
        if (byte === undefined) return Promise.resolve(null);
        buffer[0] = byte;
        return Promise.resolve(1);
      },
    });
    Object.assign(Deno.stderr, {
      write: (bytes: Uint8Array) => {
        this.events.push(new TextDecoder().decode(bytes));
        return Promise.resolve(bytes.length);
      },
    });
  }

  [Symbol.dispose](): void {
    const stdin = Deno.stdin as unknown as Record<string, unknown>;
    for (const name of ["isTerminal", "setRaw", "read"]) delete stdin[name];
    delete (Deno.stderr as unknown as Record<string, unknown>)["write"];
    if (this.#variable !== undefined) {
      Deno.env.set("RESTANTE_PASSPHRASE", this.#variable);
    }
  }
}

const ONCE = ["raw", "passphrase: ", "as it was", "\n"];

const typed: Readonly<Record<string, [string, string]>> = {
  "as it is": ["correct horse\r", "correct horse"],
  "to the end of the line": ["one\ntwo\n", "one"],
  "of no characters": ["\r", ""],
  "with letters taken back": ["hörst\x7f\x7f\x7f\x7ft\x08eu\r", "heu"],
  "with a letter of four bytes taken back": ["a🐎\x7fb\r", "ab"],
  "with more taken back than there is": ["é\x7f\x7f\x7fx\r", "x"],
};
for (const [how, [keys, expected]] of Object.entries(typed)) {
  Deno.test(`readPassphrase() takes what is typed ${how}, and leaves the terminal as it was`, async () => {
    using terminal = new FakeTerminal(keys);
    assert.equal(await readPassphrase({}), expected);
    assert.deepEqual(terminal.events, ONCE);
  });
}

for (
  const [how, keys] of Object.entries({
    "interrupts": "half\x03",
    "ends the input": "half\x04",
    "goes away": "half",
  })
) {
  Deno.test(`who ${how} gives no passphrase, and has the terminal back as it was`, async () => {
    using terminal = new FakeTerminal(keys);
    await assert.rejects(readPassphrase({}), {
      code: "usage",
      message: "no passphrase was given",
    });
    assert.deepEqual(terminal.events, ONCE);
  });
}

Deno.test("newPassphrase() is typed twice, and both are the same", async (t) => {
  const twice = [
    ...["raw", "new passphrase: ", "as it was", "\n"],
    ...["raw", "the same again: ", "as it was", "\n"],
  ];
  await t.step("the same", async () => {
    using terminal = new FakeTerminal("one\rone\r");
    assert.equal(await newPassphrase({}), "one");
    assert.deepEqual(terminal.events, twice);
  });
  await t.step("another", async () => {
    using terminal = new FakeTerminal("one\rOne\r");
    await assert.rejects(newPassphrase({}), { code: "usage" });
    assert.deepEqual(terminal.events, twice);
  });
});

Deno.test("a passphrase that is given is not asked for: a file's first line before the environment's", async () => {
  using terminal = new FakeTerminal("typed\r");
  const file = await Deno.makeTempFile();
  try {
    Deno.env.set("RESTANTE_PASSPHRASE", "of the environment");
    for (const ask of [readPassphrase, newPassphrase]) {
      assert.equal(await ask({}), "of the environment");
      for (const [text, first] of [[" a b \r\nc", " a b "], ["\nx", ""]]) {
        await Deno.writeTextFile(file, text ?? "");
        assert.equal(await ask({ passphraseFile: file }), first);
      }
    }
    assert.deepEqual(terminal.events, []);
  } finally {
    Deno.env.delete("RESTANTE_PASSPHRASE");
    await Deno.remove(file);
  }
});
