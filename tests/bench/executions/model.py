#!/usr/bin/env python3
"""A model that costs nothing: OpenAI's chat completions over loopback, whole or as a stream.

What it does stands in the model's name, `steps-10-size-100-delay-1`: so many calls of the
tool with so many characters of text, each answer after so many milliseconds, then the end.
How far a conversation is it counts by the tool results in it, so it keeps no state and any
number of runs may talk to it. The tool is whichever it knows of those that the request offers.

It speaks just enough HTTP for the clients here (keep-alive, Content-Length or chunks), by
hand, so that it stays far below a core at the rates measured; the driver reports what it used.
"""

import asyncio
import json
import re
import sys

import orjson
import uvloop

SETTING = re.compile(r"(\w+)-(\d+)")
WORDS = "Two cracks, neither of them deep; the pier stands as it stood in 1931. "


def text(size):
    return (WORDS * (size // len(WORDS) + 1))[:size]


def answer(body):
    """The tool call or the last words that follow a conversation, and the milliseconds they take."""
    request = orjson.loads(body)
    settings = {key: int(value) for key, value in SETTING.findall(request["model"])}
    done = sum(message["role"] == "tool" for message in request["messages"])
    offered = [tool["function"]["name"] for tool in request.get("tools", ())]
    if done < settings["steps"]:
        name = next(tool for tool in ("request_human_input", "add_output", "list_inputs", "insert") if tool in offered)
        arguments = {
            "add_output": {"label": f"Finding {done}", "text": text(settings["size"])},
            "insert": {"step": done, "text": text(settings["size"])},
            "request_human_input": {"prompt": "May this be published?"},
            "list_inputs": {},
        }[name]
    elif "mark_complete" in offered:
        name, arguments = "mark_complete", {"summary": "Done."}
    else:
        name = None
    if name:
        function = {"name": name, "arguments": json.dumps(arguments)}
        call = {"index": 0, "id": f"call_{done}", "type": "function", "function": function}
        message = {"role": "assistant", "content": None, "tool_calls": [call]}
    else:
        message = {"role": "assistant", "content": "Done."}
    usage = {"prompt_tokens": len(body) // 4, "completion_tokens": 30, "total_tokens": len(body) // 4 + 30}
    finish = "tool_calls" if name else "stop"
    return request, message, finish, usage, settings.get("delay", 1)


def whole(request, message, finish, usage):
    choice = {"index": 0, "message": message, "finish_reason": finish}
    base = {"id": "x", "object": "chat.completion", "created": 0, "model": request["model"]}
    body = orjson.dumps({**base, "choices": [choice], "usage": usage})
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)


def streamed(request, message, finish, usage):
    """The same in three events, as servers send it that were asked for a stream."""
    base = {"id": "x", "object": "chat.completion.chunk", "created": 0, "model": request["model"]}
    events = [
        {**base, "choices": [{"index": 0, "delta": message, "finish_reason": None}]},
        {**base, "choices": [{"index": 0, "delta": {}, "finish_reason": finish}]},
        {**base, "choices": [], "usage": usage},
    ]
    body = b"".join(b"data: %s\n\n" % orjson.dumps(event) for event in events) + b"data: [DONE]\n\n"
    return b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)


class Connection(asyncio.Protocol):
    """One client; requests come one after the other."""

    def connection_made(self, transport):
        self.transport, self.buffer = transport, bytearray()

    def data_received(self, data):
        self.buffer += data
        while (body := self.take()) is not None:
            request, *rest, delay = answer(body)
            reply = (streamed if request.get("stream") else whole)(request, *rest)
            asyncio.get_running_loop().call_later(delay / 1000, self.reply, reply)

    def take(self):
        """The body of the next request, once all of it is there."""
        head = self.buffer.find(b"\r\n\r\n")
        if head < 0:
            return None
        headers = bytes(self.buffer[:head]).lower()
        if b"transfer-encoding: chunked" in headers:
            return self.take_chunks(head + 4)
        length = int(re.search(rb"content-length: *(\d+)", headers)[1])
        end = head + 4 + length
        if len(self.buffer) < end:
            if b"expect: 100-continue" in headers:
                self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            return None
        body = bytes(self.buffer[head + 4 : end])
        del self.buffer[:end]
        return body

    def take_chunks(self, at):
        parts = []
        while (line := self.buffer.find(b"\r\n", at)) >= 0:
            size = int(bytes(self.buffer[at:line]), 16)
            if len(self.buffer) < line + 2 + size + 2:
                return None
            parts.append(bytes(self.buffer[line + 2 : line + 2 + size]))
            at = line + 2 + size + 2
            if size == 0:
                del self.buffer[:at]
                return b"".join(parts)
        return None

    def reply(self, reply):
        if not self.transport.is_closing():
            self.transport.write(reply)


async def main(port):
    server = await asyncio.get_running_loop().create_server(Connection, "127.0.0.1", port, backlog=4096)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1])))
