// The publishers' port: each line is an event.
"use strict";

const { createServer } = require("node:net");

exports.publishers = (tell) => {
  const door = createServer((socket) => {
    let rest = "";
    socket.setEncoding("latin1");
    socket.on("error", () => {});
    socket.on("data", (text) => {
      const lines = (rest + text).split("\n");
      rest = lines.pop();
      lines.forEach(tell);
    });
  });
  door.listen(Number(process.env.PUBLISH), "127.0.0.1");
};
