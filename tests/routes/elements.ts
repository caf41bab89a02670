/** Elements as the tests compare them: the members that JSON lists. */
import {
  decodeElement,
  decodeElements,
  type Element,
} from "../../lib/elements.ts";
import type { Bytes } from "../../lib/bytes.ts";
import type { Listed, Page } from "./owner.ts";

/** More than any element of a test has. */
const BOUNDS = { count: 1_000, facts: 1_000, body: 2 ** 20 };

/** What asks for a page of elements. */
export const ELEMENTS = {
  Accept: "application/vnd.restante.messages",
} as const;

/** The page of an answer that is made of elements. */
export async function elementPage(response: Response): Promise<Page> {
  const { headers } = response;
  const flag = (name: string) => JSON.parse(headers.get(name) ?? "");
  return {
    messages: decodeElements(await response.bytes(), BOUNDS).map(listedOf),
    next: headers.get("Restante-Next") ?? "",
    more: flag("Restante-More"),
    reset: flag("Restante-Reset"),
  };
}

/** The message of a frame, text or bytes. */
export function frameMessage(data: string | ArrayBuffer): Listed {
  return typeof data === "string"
    ? JSON.parse(data)
    : listedOf(decodeElement(new Uint8Array(data), BOUNDS));
}

/** An element as JSON lists it. */
export function listedOf({ facts, body }: Element): Listed {
  return { ...facts as Omit<Listed, "body">, body: textOf(body) };
}

function textOf(body: Bytes | null): string | null {
  return body?.toBase64({ alphabet: "base64url", omitPadding: true }) ?? null;
}
