/** Failures of the client, each with a stable code. */
import { isProblemCode, type ProblemCode } from "../lib/problem.ts";

/** What can fail on the client's side of the wire. */
export type ClientErrorCode =
  /** A text is not an address, a key or a relay's URL. */
  | "address-invalid"
  /** A relay knows no such name. */
  | "name-unknown"
  /** A file is not an identity. */
  | "identity-invalid"
  /** An identity is locked, and there is no passphrase to open it. */
  | "identity-locked"
  /** A passphrase does not open an identity. */
  | "passphrase-wrong"
  /** A passphrase has no characters. */
  | "passphrase-empty"
  /** The relay could not be reached. */
  | "relay-unreachable"
  /** The message is over the network's limit. */
  | "message-too-large"
  /** The relay asks for more work than the caller is willing to do. */
  | "price-too-high"
  /** What answered does not speak as a relay does. */
  | "relay-nonsense";

/** The client could not do what it was asked to. */
export class ClientError extends Error {
  /** The class, for logs. */
  override name = "ClientError";
  /** Which failure it is. */
  readonly code: ClientErrorCode;

  /** Made where the client finds it. */
  constructor(code: ClientErrorCode, detail: string, options?: ErrorOptions) {
    super(detail, options);
    this.code = code;
  }
}

/** A relay refused, and said why in a problem document. */
export class RelayError extends Error {
  /** The class, for logs. */
  override name = "RelayError";
  /** The problem type that the relay named. */
  readonly code: ProblemCode;
  /** The HTTP status. */
  readonly status: number;
  /** All members of the problem document. */
  readonly problem: Readonly<Record<string, unknown>>;

  /** Made from the document of an answer. */
  constructor(
    code: ProblemCode,
    status: number,
    problem: Readonly<Record<string, unknown>>,
  ) {
    super(String(problem["detail"] ?? problem["title"] ?? code));
    this.code = code;
    this.status = status;
    this.problem = problem;
  }
}

/** The refusal in an answer that is not a success. */
export async function refusalOf(
  response: Response,
): Promise<RelayError | ClientError> {
  const document: unknown = await response.json().catch(() => null);
  const code = memberOf(document, "code");
  if (typeof code === "string" && isProblemCode(code)) {
    return new RelayError(
      code,
      response.status,
      document as Record<string, unknown>,
    );
  }
  return new ClientError(
    "relay-nonsense",
    `${response.url} answered ${response.status} without a problem document`,
  );
}

function memberOf(document: unknown, name: string): unknown {
  return typeof document === "object" && document !== null
    ? (document as Record<string, unknown>)[name]
    : undefined;
}
