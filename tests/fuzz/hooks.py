"""Makes valid what JSON Schema can't describe: values whose form is ours, and values that
hang on others or on what there is. What is meant to be invalid is left as it is."""

import base64
import json
import os
import uuid
from urllib.parse import parse_qsl, urlsplit

import schemathesis
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.core.parameters import ParameterLocation
from schemathesis.generation.meta import TestPhase

# What there is, by the name of a placeholder.
IDS = json.loads(os.environ["FUZZ_IDS"])
SIGNED = {"blob_put": IDS.pop("uploadUrl"), "blob_get": IDS.pop("downloadUrl")}
# What was made, by the operation that removes it: its place in paths.
MADE = {}
MAKERS = {
    "org_create": ("org_delete", "orgId"),
    "member_add": ("member_remove", "userId"),
    "token_create": ("token_revoke", "tokenId"),
    "project_create": ("project_delete", "projectId"),
    "project_member_add": ("project_member_remove", "userId"),
    "node_create": ("node_delete", "nodeId"),
    "input_add": ("input_remove", "inputId"),
    "output_add": ("output_remove", "outputId"),
    "template_create": ("template_delete", "templateId"),
    "file_upload": ("file_delete", "fileId"),
}
# The first version of a node is always there.
VERSIONS = {"version": 1, "from": 1, "to": 1}
# The states that a project has unless it says otherwise.
STATES = ["draft", "in_progress", "complete"]


def cursor(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


# The formats of ours. A cursor is that of most lists; `before_call` makes the others.
schemathesis.openapi.format(
    "cursor",
    st.builds(
        lambda micros, number: cursor(f"{micros}.{number}"),
        st.integers(0, 4_000_000_000_000_000),
        st.uuids(),
    ),
)
schemathesis.openapi.format(
    "http-address",
    st.sampled_from(["https://models.example.com/v1", "http://127.0.0.1:11434", "https://x.example"]),
)
schemathesis.openapi.format("workflow-state", st.sampled_from(STATES))
# The models that the test's server is configured with.
schemathesis.openapi.format("model", st.just("demo/analyst"))


@schemathesis.hook
def after_call(context, case, response):
    name = case.operation.definition.raw.get("operationId")
    if name in MAKERS and response.status_code in (200, 201):
        remover, placeholder = MAKERS[name]
        made = response.json()
        made = {**(case.path_parameters or {}), placeholder: made.get(placeholder, made.get("id"))}
        MADE.setdefault(remover, []).append(made)


@schemathesis.hook
def before_call(context, case, kwargs):
    fix_path(case)
    if case.meta is None or case.meta.generation.mode is not GenerationMode.POSITIVE:
        return
    name = case.operation.definition.raw.get("operationId")
    if name in SIGNED:
        sign(name, case)
    if case.query:
        query = dict(case.query)
        fix_query(name, query)
        case.query = query
    if isinstance(case.body, dict):
        body = json.loads(json.dumps(case.body))
        fix_body(name, body)
        case.body = body


def fix_path(case):
    """Three of four made-up ids become those of what there is. The choice hangs on the
    value, so that a failure can be repeated from its seed."""
    path = dict(case.path_parameters or {})
    parts = case.meta and case.meta.components.get(ParameterLocation.PATH)
    # The stateful phase goes on with what it made itself.
    if parts and parts.mode is GenerationMode.POSITIVE and case.meta.phase.name is not TestPhase.STATEFUL:
        for name, value in path.items():
            if name in IDS and sum(str(value).encode()) % 4:
                path[name] = IDS[name]
            if name in VERSIONS and sum(str(value).encode()) % 4:
                path[name] = VERSIONS[name]
        # Every other one that is removed was made before.
        made = MADE.get(case.operation.definition.raw.get("operationId"))
        if made and sum("".join(map(str, path.values())).encode()) % 2:
            made = made.pop()
            path = {name: made.get(name, value) for name, value in path.items()}
    # What all the other calls are about is not deleted.
    last = case.operation.path.rsplit("/", 1)[-1].strip("{}")
    if case.method.upper() == "DELETE" and path.get(last) in IDS.values():
        path[last] = str(uuid.uuid5(uuid.NAMESPACE_OID, last))
    if path != (case.path_parameters or {}):
        case.path_parameters = path


def sign(name, case):
    """Half of the keys become one that we were given a signature for."""
    key = str((case.path_parameters or {}).get("key"))
    if sum(key.encode()) % 2:
        url = urlsplit(SIGNED[name])
        case.path_parameters = {"key": url.path.split("/blobs/")[1]}
        case.query = dict(parse_qsl(url.query))


def fix_query(name, query):
    # A cursor goes on in its own list alone, and the list of nodes has several orders.
    if "cursor" in query and name == "version_list":
        query["cursor"] = "v3"
    if name == "usage_get" and ("from" in query or "to" in query):
        # One before the other, and not too far apart.
        query["from"], query["to"] = "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"
    if name == "node_list":
        by = query.get("sort", "created")
        order = query.get("order", "asc" if by == "title" else "desc")
        if "cursor" in query:
            value = "Pier" if by == "title" else "1700000000000000"
            query["cursor"] = cursor(f"{by}.{order}.{uuid.uuid5(uuid.NAMESPACE_OID, by)}.{value}")
        # It counts from that node.
        if "depth" in query:
            query.setdefault("under", IDS["nodeId"])


def fix_body(name, body):
    if name in ("project_create", "project_update"):
        # Every project keeps the usual states, so that a node may have one in all of them,
        # and a default must be among the states.
        states = body.get("workflowStates")
        if states is not None:
            body["workflowStates"] = [*STATES, *(s for s in states if s not in STATES)][:50]
        settings = body.get("settings")
        if settings and settings.get("defaultNodeStatus") is not None:
            settings["defaultNodeStatus"] = STATES[1]
    if name in ("node_create", "node_update"):
        # Of the project's states, and of the organization's members: which they are, only
        # the server knows.
        if body.get("status") not in (None, *STATES):
            body["status"] = STATES[0]
        if body.get("supervisorUserId") is not None:
            body["supervisorUserId"] = IDS["me"]
    if name in ("template_create", "template_update"):
        # A template that is there, and in whichever organization.
        for part in (body.get("structure") or {}).get("subNodes") or ():
            if part.get("templateId") is not None:
                part["templateId"] = IDS["sharedTemplateId"]
    if name == "execution_fork":
        # An entry that is there, which is no answer of a model.
        body["afterSequence"] = 1
        (body.get("edit") or {}).pop("answer", None)
    if name in ("member_add", "project_member_add") and body.get("email"):
        # Every other one is somebody who is there.
        if sum(body["email"].encode()) % 2:
            body["email"] = IDS["address"]
    if name in ("org_create", "org_update"):
        settings = body.get("settings") or {}
        # No two of one name, however much else differs between them.
        for entries, key in (("models", "name"), ("agentPolicies", "action"), ("mcpServers", "name")):
            if settings.get(entries):
                settings[entries] = list({entry[key]: entry for entry in settings[entries]}.values())
        # Where a stored key is sent changes only together with the key.
        settings.get("selfHostedEndpoint") and settings.setdefault("selfHostedKey", None)
        for model in settings.get("models") or ():
            model.setdefault("apiKey", None)
        for server in settings.get("mcpServers") or ():
            # At an address, since there are no commands, and with headers that it may have.
            server.pop("command", None)
            server["url"] = server.get("url") or "https://tools.example/mcp"
            server.setdefault("key", None)
            if server.get("headers"):
                server["headers"] = {"X-Team": "blue"}
            if server.get("keyHeader"):
                server["keyHeader"] = "X-Api-Key"
