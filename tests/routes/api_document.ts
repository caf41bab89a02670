/** The relay's OpenAPI document, and answers held against it. */
import assert from "node:assert/strict";
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";

interface MediaType {
  readonly schema: unknown;
}

interface ResponseObject {
  readonly description: string;
  readonly headers?: Readonly<Record<string, unknown>>;
  readonly content?: Readonly<Record<string, MediaType>>;
}

interface Operation {
  readonly responses: Readonly<Record<string, ResponseObject>>;
}

/** As much of an OpenAPI document as is looked at here. */
export interface OpenApi {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

const ID = "api";

/** What a relay says that it answers. */
export class ApiDocument {
  readonly #document: OpenApi;
  readonly #ajv = new Ajv2020({ strict: false, validateFormats: false });

  constructor(document: OpenApi) {
    this.#document = document;
    this.#ajv.addSchema(closed(document) as object, ID);
  }

  /** Every `METHOD path status`, and the code where there is one. */
  outcomes(): string[] {
    const outcomes: string[] = [];
    for (const [path, operations] of Object.entries(this.#document.paths)) {
      for (const [method, { responses }] of Object.entries(operations)) {
        for (const [status, response] of Object.entries(responses)) {
          const outcome = `${method.toUpperCase()} ${path} ${status}`;
          const codes = codesOf(response);
          if (codes.length === 0) outcomes.push(outcome);
          else outcomes.push(...codes.map((code) => `${outcome} ${code}`));
        }
      }
    }
    return outcomes.sort();
  }

  /**
   * Fails unless an answer to an operation is documented, with its headers, its
   * media type and a body of its schema with no other members. Gives its
   * outcome.
   */
  async check(operation: string, response: Response): Promise<string> {
    const [method = "", path = ""] = operation.split(" ");
    const place = ["paths", path, method.toLowerCase(), "responses"];
    const documented = this.#document.paths[path]?.[method.toLowerCase()]
      ?.responses[response.status];
    const bytes = await response.bytes();
    const text = new TextDecoder().decode(bytes);
    const outcome = `${operation} ${response.status}`;
    assert.ok(documented, `${outcome} is documented; it says ${text}`);
    for (const header of Object.keys(documented.headers ?? {})) {
      assert.ok(response.headers.has(header), `${outcome} has ${header}`);
    }
    if (documented.content === undefined) {
      assert.equal(bytes.length, 0, `${outcome} has no body`);
      return outcome;
    }
    const type = response.headers.get("Content-Type")?.split(";")[0] ?? "";
    assert.ok(documented.content[type], `${outcome} is documented as ${type}`);
    if (!type.endsWith("json")) return outcome;
    const value: unknown = JSON.parse(text);
    const validate = this.#schemaAt(
      ...place,
      String(response.status),
      "content",
      type,
      "schema",
    );
    assert.ok(
      validate(value),
      `${outcome}: ${this.#ajv.errorsText(validate.errors)} in ${text}`,
    );
    return codesOf(documented).length === 0
      ? outcome
      : `${outcome} ${(value as { code: string }).code}`;
  }

  #schemaAt(...place: readonly string[]): ValidateFunction {
    const pointer = place.map((name) =>
      name.replaceAll("~", "~0").replaceAll("/", "~1")
    ).join("/");
    return this.#ajv.compile({ $ref: `${ID}#/${encodeURI(pointer)}` });
  }
}

/** The problem codes that a response's description names. */
function codesOf({ description }: ResponseObject): string[] {
  return [...description.matchAll(/`([a-z-]+)`: /g)].map(([, code]) =>
    String(code)
  );
}

/** The same document, in which an object has no members but those listed. */
function closed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(closed);
  if (typeof value !== "object" || value === null) return value;
  const members = Object.fromEntries(
    Object.entries(value).map(([name, member]) => [name, closed(member)]),
  );
  return members["type"] === "object" && "properties" in members
    ? { additionalProperties: false, ...members }
    : members;
}
