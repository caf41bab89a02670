/** Opens readers of a mailbox, says so, and holds them until its input ends. */
const [transport, url, mailbox, token, count] = Deno.args;

async function openEvents(): Promise<unknown> {
  const response = await fetch(`${url}/v1/mailboxes/${mailbox}/messages`, {
    headers: { Accept: "text/event-stream", Authorization: `Bearer ${token}` },
  });
  await response.body?.getReader().read();
  return response;
}

function openSocket(): Promise<unknown> {
  const socket = new WebSocket(
    `${url?.replace("http", "ws")}/v1/mailboxes/${mailbox}/socket`,
    ["restante.v1", `bearer.${token}`],
  );
  return new Promise((resolve, reject) => {
    socket.onopen = () => resolve(socket);
    socket.onerror = reject;
  });
}

const open = transport === "events" ? openEvents : openSocket;
const held: unknown[] = [];
while (held.length < Number(count)) {
  held.push(...await Promise.all(Array.from({ length: 50 }, open)));
}
console.log("ready");
for await (const _ of Deno.stdin.readable);
Deno.exit(0);
