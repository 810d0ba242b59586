// A Socket.IO server, of WebSockets only: what a line on the publishers' port says is emitted
// to a room in which every socket is.
"use strict";

const { createServer } = require("node:http");
const { Server } = require("socket.io");
const { publishers } = require("./publishers");

const http = createServer();
const server = new Server(http, { transports: ["websocket"], perMessageDeflate: false, serveClient: false });
server.on("connection", (socket) => socket.join("room"));
http.listen({ port: Number(process.env.PORT), host: "127.0.0.1", backlog: 4096 });

publishers((text) => server.to("room").emit("event", text));
