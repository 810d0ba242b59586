"""Measures how well search finds passages with known answers; prints Markdown tables.

English manuals of Debian packages (../extraction/corpus.py) are cut into documents of five
pages, uploaded to a GlassBox of their own over HTTP, read and indexed by its file worker. Then
each question of questions.py is put to `POST /orgs/{org}/search` in each mode. A question is
answered by the first result that shows the passage; a result is a document with three passages.

Manuals are divided in two: whatever is tuned is tuned on the first half, and the figures that
count are those of the other, the held-out one. Then a PDF of 100 pages is uploaded and searched
until it is found, and the file worker's own memory is read off for it and for 20 MB of text.

Settings, from the environment: GLASSBOX_BINARY (target/release/glassbox), QUESTIONS (400),
EMBEDDER_MODEL with EMBEDDER_URL, EMBEDDER_KEY and EMBEDDER_DIMENSIONS (an OpenAI-compatible
service instead of the built-in embedder), RERANKER_URL, ASKERS (1; more at once answer sooner
and tell less of times), ONLY ("retrieval", "files"), SAVE (a file for questions and ranks).
"""

import concurrent.futures
import hashlib
import http.client
import io
import json
import logging
import os
import pathlib
import random
import re
import sys
import threading
import time
import urllib.request

import psycopg
import pypdf

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "extraction"), str(HERE.parent / "executions")]
import bench  # noqa: E402
import corpus  # noqa: E402
import questions  # noqa: E402
from glassbox import Client  # noqa: E402

QUESTIONS = int(os.environ.get("QUESTIONS", 400))
ONLY = os.environ.get("ONLY", "retrieval,files").split(",")
ASKERS = int(os.environ.get("ASKERS", 1))
PDFS = bench.ROOT / ".tools/bench-extraction/corpus"
PAGES = 5
MODES = ["text", "semantic", "hybrid"]
# In English, and prose for the most part.
TUNED = ["policy.pdf", "bashref.pdf", "R-intro.pdf", "valgrind_manual.pdf", "xfig_ref_en.pdf", "cvs.pdf"]
HELD_OUT = ["developers-reference.pdf", "fhs-3.0.pdf", "R-admin.pdf", "R-data.pdf", "debmake-doc.en.pdf",
            "install.en.pdf", "maint-guide.en.pdf", "gnuplot.pdf"]


def parts(path):
    """A manual's documents: (name, bytes, the headings that begin in it)."""
    reader = pypdf.PdfReader(path)
    headings = {}

    def walk(outline):
        for entry in outline:
            if isinstance(entry, list):
                walk(entry)
                continue
            page = reader.get_destination_page_number(entry)
            # Without its number: manuals write it in several ways.
            headings.setdefault(page, []).append(re.sub(r"^[\dA-Z]?[\d.]*\s+", "", str(entry.title)).strip())

    walk(reader.outline)
    for first in range(0, len(reader.pages), PAGES):
        pages = range(first, min(first + PAGES, len(reader.pages)))
        yield f"{path.stem}-{first + 1:04}.pdf", cut(reader, pages), [h for page in pages for h in headings.get(page, [])]


def cut(reader, pages):
    writer = pypdf.PdfWriter()
    for page in pages:
        writer.add_page(reader.pages[page])
    buffer = io.BytesIO()
    writer.write(buffer)
    return buffer.getvalue()


class System:
    """A database of its own, `serve` and `file-worker` upon it, and an organization."""

    def __init__(self, processes, name="retrieval"):
        self.processes, self.name = processes, name
        self.postgres = bench.Postgres(processes)
        self.postgres.psql("postgres", "-c", f"create database {name} owner glassbox_owner")
        self.postgres.psql(name, "-c", "create extension vector")
        port = bench.free_port()
        self.settings = bench.environment(self.postgres, name, port) | {
            "GLASSBOX_LIMITS__ENABLED": "false",
            "GLASSBOX_STORAGE__FOLDER": str(self.postgres.folder / "blobs"),
            "GLASSBOX_LOG__FILTER": "info",
            **service(),
        }
        migrate = [bench.BINARY, "--env", "dev", "migrate"]
        bench.subprocess.run(migrate, check=True, env=self.settings, stdout=bench.subprocess.DEVNULL)
        self.serve = self.start("serve")
        self.worker = self.start("file-worker")
        self.client = Client(port)
        self.sql = psycopg.connect(self.postgres.url("postgres", name), autocommit=True)
        self.sign_in(port)

    def start(self, role):
        command = [bench.BINARY, "--env", "dev", role]
        return self.processes.start(f"{self.name}-{role}", command, env=self.settings, cwd=self.postgres.folder)

    def sign_in(self, port):
        for _ in range(200):
            with bench.socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        token = self.client.call("POST", "/auth/dev-token", {"userId": "bench", "email": "bench@example.com"})
        self.client.token = token["token"]
        self.org = self.client.call("POST", "/orgs", {"name": "Bench", "slug": "bench"})["id"]

    def upload(self, name, content, kind="application/pdf"):
        body = {"filename": name, "contentType": kind, "sizeBytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        upload = self.client.call("POST", f"/orgs/{self.org}/files/upload", body)
        request = urllib.request.Request(upload["uploadUrl"], content, upload["headers"], method="PUT")
        urllib.request.urlopen(request).read()
        self.client.call("POST", f"/files/{upload['fileId']}/confirm")
        return upload["fileId"]

    def text(self, file):
        url = f"http://127.0.0.1:{self.client.port}/api/v1/files/{file}/text"
        request = urllib.request.Request(url, headers={"authorization": f"Bearer {self.client.token}"})
        return urllib.request.urlopen(request).read().decode()

    def search(self, **body):
        path = f"/orgs/{self.org}/search"
        try:
            return self.client.call("POST", path, body)
        except (http.client.HTTPException, OSError):
            # The connection was idle for too long.
            self.client.local = threading.local()
            return self.client.call("POST", path, body)

    def settled(self, seconds=1800):
        """Waits until every file was read and indexed."""
        statement = ("select (select count(*) from files where processing_status in ('pending', 'processing'))"
                     " + (select count(*) from index_work)")
        for _ in range(seconds * 5):
            if not self.sql.execute(statement).fetchone()[0]:
                return
            time.sleep(0.2)
        raise SystemExit("the file worker did not come to an end")

    def one(self, statement):
        return self.sql.execute(statement).fetchone()[0]


def service():
    settings = {}
    if os.environ.get("EMBEDDER_MODEL"):
        settings["GLASSBOX_EMBEDDER__MODEL"] = os.environ["EMBEDDER_MODEL"]
        for name, key in (("URL", "BASE_URL"), ("KEY", "API_KEY"), ("DIMENSIONS", "DIMENSIONS")):
            if os.environ.get(f"EMBEDDER_{name}"):
                settings[f"GLASSBOX_EMBEDDER__{key}"] = os.environ[f"EMBEDDER_{name}"]
    if os.environ.get("RERANKER_URL"):
        settings["GLASSBOX_RERANKER__URL"] = os.environ["RERANKER_URL"]
    return settings


def retrieval(processes):
    system = System(processes)
    documents = {}
    found = {path.name: path for path in corpus.fetch(PDFS)}
    for name in TUNED + HELD_OUT:
        if name in found:
            for part, content, headings in parts(found[name]):
                documents[part] = (name, content, headings)
    bench.say(f"{len(documents)} documents of {PAGES} pages")
    begun = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        ids = dict(zip(documents, pool.map(lambda part: system.upload(part, documents[part][1]), documents)))
    system.settled()
    took = time.monotonic() - begun
    chunks = system.one("select count(*) from chunks")
    model = system.one("select model from embeddings")
    print(f"\n{len(documents)} documents, {chunks:,} passages, indexed in {took:.0f} s; vectors by {model}.\n")
    texts = {part: (manual, system.text(ids[part]), headings) for part, (manual, _, headings) in documents.items()
             if system.one(f"select processing_status from files where id = '{ids[part]}'") == "complete"}
    asked = questions.make(texts, QUESTIONS)
    bench.say(f"{len(asked)} questions")
    with concurrent.futures.ThreadPoolExecutor(ASKERS) as pool:
        ranks = {mode: list(pool.map(lambda one: rank(system, mode, ids, one), asked)) for mode in MODES}
    report(asked, ranks)
    if os.environ.get("SAVE"):
        saved = [{"question": one, **{mode: ranks[mode][at] for mode in MODES}} for at, one in enumerate(asked)]
        pathlib.Path(os.environ["SAVE"]).write_text(json.dumps(saved, indent=1), encoding="utf-8")
    return system


def rank(system, mode, ids, question):
    """From 1: which result shows the passage; None when none of 50 does. And how long it took."""
    _, part, _, text, begin, end = question
    begun = time.perf_counter()
    answer = system.search(query=text, mode=mode, types=["file"])
    took = time.perf_counter() - begun
    for at, hit in enumerate(answer["data"]):
        if hit["id"] == ids[part] and any(answers(passage["place"], begin, end) for passage in hit["passages"]):
            return at + 1, took
    return None, took


def answers(place, begin, end):
    """Whether a passage has most of what answers."""
    shared = min(place["end"], end) - max(place["start"], begin)
    return shared >= 0.6 * min(end - begin, 400)


def report(asked, ranks):
    for title, manuals in (("held out", HELD_OUT), ("tuned on", TUNED)):
        chosen = [at for at, one in enumerate(asked) if one[0] in manuals]
        print(f"\n**{title}**: {len(chosen)} questions about {', '.join(name.removesuffix('.pdf') for name in manuals)}\n")
        print("| | recall@10 | MRR@10 | " + " | ".join(f"{kind}: recall@10, MRR" for kind in KINDS) + " | p50, p95 ms |")
        print("|---|---|---|" + "---|" * (len(KINDS) + 1))
        for mode in MODES:
            row = [figures([ranks[mode][at][0] for at in chosen])]
            row += [figures([ranks[mode][at][0] for at in chosen if asked[at][2] == kind]) for kind in KINDS]
            times = sorted(ranks[mode][at][1] * 1000 for at in chosen)
            parts = " | ".join(f"{recall:.3f}, {mrr:.3f}" for recall, mrr in row[1:])
            print(f"| {mode} | {row[0][0]:.3f} | {row[0][1]:.3f} | {parts} "
                  f"| {times[len(times) // 2]:.0f}, {times[len(times) * 95 // 100]:.0f} |")


KINDS = ["reworded", "definition", "heading"]


def figures(ranks):
    """Recall@10 and MRR@10."""
    good = [rank for rank in ranks if rank and rank <= 10]
    count = max(len(ranks), 1)
    return len(good) / count, sum(1 / rank for rank in good) / count


def hundred_pages():
    reader = pypdf.PdfReader(next(PDFS.rglob("R-exts.pdf")))
    return cut(reader, range(100))


def twenty_megabytes():
    dice = random.Random(3)
    words = [line.split()[0] for line in (HERE / "synonyms.txt").read_text().splitlines() if not line.startswith("#")]
    lines = (" ".join(dice.choices(words, k=14)) + ".\n" for _ in range(10**6))
    text, size = [], 0
    for line in lines:
        text.append(line)
        size += len(line)
        if size > 20_000_000:
            break
    return "".join(text).encode()


def files(processes):
    print("\n| file | uploaded to found, s | of it read, s | passages | memory of the worker at most, MB | at rest, MB |")
    print("|---|---|---|---|---|---|")
    for name, content, kind in (
        ("100 pages of R-exts.pdf", hundred_pages(), "application/pdf"),
        ("20 MB of text", twenty_megabytes(), "text/plain"),
    ):
        system = System(processes, "file" + str(len(content)))
        time.sleep(1)
        before = memory(system.worker.pid, "VmRSS")
        begun = time.monotonic()
        file = system.upload("file.txt" if kind == "text/plain" else "file.pdf", content, kind)
        read = None
        while True:
            status = system.one(f"select processing_status from files where id = '{file}'")
            if status == "failed":
                raise SystemExit(f"{name} was not read")
            if read is None and status == "complete":
                read = time.monotonic() - begun
            if read and system.search(query="environment", mode="semantic", types=["file"])["total"] \
                    and not system.one("select count(*) from index_work"):
                break
            time.sleep(0.05)
        took = time.monotonic() - begun
        chunks = system.one("select count(*) from chunks")
        print(f"| {name} | {took:.1f} | {read:.1f} | {chunks:,} | {memory(system.worker.pid, 'VmHWM'):.0f} | {before:.0f} |")
        processes.stop_all()


def memory(pid, what):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(rf"{what}:\s+(\d+)", status)[1]) / 1024


def main():
    logging.disable(logging.CRITICAL)
    processes = bench.Processes()
    try:
        if "retrieval" in ONLY:
            system = retrieval(processes)
            if os.environ.get("KEEP"):
                print(system.postgres.port, system.client.port, system.org, system.client.token, flush=True)
                input("Enter ends it. ")
            processes.stop_all()
        if "files" in ONLY:
            files(processes)
    finally:
        processes.stop_all()


if __name__ == "__main__":
    main()
