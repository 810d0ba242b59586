"""Fills paths with ids of things that exist, and formats of ours with values of ours."""

import base64
import json
import os
import uuid

import schemathesis
from hypothesis import strategies as st

IDS = json.loads(os.environ["FUZZ_IDS"])


def cursor(micros: int, number: uuid.UUID) -> str:
    text = f"{micros}.{number}".encode()
    return base64.urlsafe_b64encode(text).decode().rstrip("=")


schemathesis.openapi.format(
    "cursor", st.builds(cursor, st.integers(0, 4_000_000_000_000_000), st.uuids())
)

schemathesis.openapi.format(
    "http-address",
    st.sampled_from(["https://models.example.com/v1", "http://127.0.0.1:11434", "https://x.example"]),
)
# What a new project's nodes may be in.
schemathesis.openapi.format(
    "workflow-state", st.sampled_from(["draft", "in_progress", "complete"])
)


@schemathesis.hook
def map_path_parameters(context, path_parameters):
    # What is deleted is gone for all that follow, so there the made-up ids stay; the
    # stateful phase deletes what it made itself.
    if context.operation is None or context.operation.method.lower() == "delete":
        return path_parameters
    for name, value in (path_parameters or {}).items():
        # One in four stays made up. The choice hangs on the value, so that a failure
        # can be repeated from its seed.
        if name in IDS and isinstance(value, str) and sum(value.encode()) % 4:
            path_parameters[name] = IDS[name]
    return path_parameters
