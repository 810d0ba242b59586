// A bare `ws` server: what a line on the publishers' port says is told to every socket.
"use strict";

const { WebSocketServer } = require("ws");
const { publishers } = require("./publishers");

const server = new WebSocketServer({ port: Number(process.env.PORT), host: "127.0.0.1", perMessageDeflate: false, backlog: 4096 });

publishers((text) => {
  const frame = Buffer.from(text);
  for (const client of server.clients) client.send(frame, { binary: false });
});
