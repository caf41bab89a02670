// What a TypeScript project makes of the package's declarations.
import {
  type ClientErrorCode,
  makeIdentity,
  type ReceivedMessage,
  Relay,
  RelayError,
  Session,
  watch,
} from "@restante/restante";

const identity = await makeIdentity();
const session = new Session(new Relay("https://relay.example"), identity);
for await (const message of watch(session, { after: null })) {
  const { letter, failure }: ReceivedMessage = message;
  const data: Uint8Array | undefined = letter?.data;
  console.log(data?.length, failure === "expired");
}
export const code: ClientErrorCode = "relay-unreachable";
export const codeOf = (error: unknown): string | null =>
  error instanceof RelayError ? error.code : null;
