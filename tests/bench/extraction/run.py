"""Measures how well and how fast documents are read; prints Markdown tables.

The documents are manuals of Debian packages (corpus.py). pdftotext is the reference for
words and their order (score.py), because it is what most would take; it is not the truth.
Speed is pages per second of processor time. GlassBox's has the start of a process for each
document in it, as pdftotext's has; the Python libraries run in this one. The rounds go
through the documents in turn, and the best of each document counts, so that what else the
machine does weighs less.

Settings, from the environment: BINARY (target/release/glassbox), ROUNDS (3), SLOW (pypdf
reads documents of up to so many pages, 250).
"""

import io
import json
import logging
import os
import pathlib
import resource
import statistics
import subprocess
import time

import docx
import pypdf
import pypdfium2

import corpus
import score

ROOT = pathlib.Path(__file__).resolve().parents[3]
BINARY = pathlib.Path(os.environ.get("BINARY", ROOT / "target/release/glassbox"))
ROUNDS = int(os.environ.get("ROUNDS", "3"))
SLOW = int(os.environ.get("SLOW", "250"))
CACHE = ROOT / ".tools/bench-extraction"
# The limits of config/default.toml.
LIMITS = ["--memory-bytes", "536870912", "--cpu-seconds", "30"]
LIMITS += ["--input-bytes", "104857600", "--output-bytes", "33554432"]


def used(who):
    usage = resource.getrusage(who)
    return usage.ru_utime + usage.ru_stime


def timed(who, work):
    begun = used(who)
    result = work()
    return result, used(who) - begun


def glassbox(path, kind="pdf", tools=""):
    """The answer of the child that reads documents, as the file worker starts it."""
    command = [BINARY, "extract", "--format", kind, *LIMITS, "--tools", tools, "--", path]
    environment = {"MIMALLOC_ARENA_RESERVE": "0"}
    done = subprocess.run(command, capture_output=True, env=environment)
    lines = done.stdout.strip().splitlines()
    return json.loads(lines[-1]) if done.returncode == 0 and lines else {"Err": {"class": "died"}}


def pdftotext(path):
    return subprocess.run(["pdftotext", path, "-"], capture_output=True).stdout.decode()


def by_pypdf(path):
    return "\n".join(page.extract_text() for page in pypdf.PdfReader(path).pages)


def by_pdfium(path):
    document = pypdfium2.PdfDocument(path)
    return "\n".join(page.get_textpage().get_text_range() for page in document)


READERS = {
    "GlassBox": (resource.RUSAGE_CHILDREN, lambda path: glassbox(path).get("Ok", {}).get("text", "")),
    "pdftotext": (resource.RUSAGE_CHILDREN, pdftotext),
    "pypdfium2": (resource.RUSAGE_SELF, by_pdfium),
    "pypdf": (resource.RUSAGE_SELF, by_pypdf),
}


def measure(documents):
    """For each reader and document its text, its best time, and what it leaves out."""
    results = {name: {} for name in READERS}
    for turn in range(ROUNDS):
        for path, pages in documents.items():
            for name, (who, read) in READERS.items():
                # The slow one reads everything once and only what is short again.
                if name == "pypdf" and (pages > SLOW or turn > 0):
                    continue
                try:
                    text, took = timed(who, lambda: read(path))
                except Exception:  # a library's own failure on a document
                    text, took = "", float("inf")
                best = results[name].get(path, (text, took))
                results[name][path] = (text, min(best[1], took))
    return results


def report(documents, results):
    reference = {path: text for path, (text, _) in results["pdftotext"].items()}
    readable = [path for path in documents if len(score.words(reference[path])) >= 20]
    print(f"\n{len(documents)} documents, {sum(documents.values()):,} pages; "
          f"{len(readable)} have words for pdftotext.\n")
    print("| reader | documents | word F1: median | worst | pairs of words: median | worst | pages per CPU second | × pypdf |")
    print("|---|---|---|---|---|---|---|---|")
    pypdf_rate = rate(documents, results["pypdf"])[0]
    for name, read in results.items():
        scores = [score.alike(read[path][0], reference[path]) for path in readable if path in read]
        words, pairs = zip(*scores)
        pace, count = rate(documents, read)
        print(f"| {name} | {count} | {statistics.median(words):.4f} | {min(words):.3f} "
              f"| {statistics.median(pairs):.4f} | {min(pairs):.3f} | {pace:,.0f} | {pace / pypdf_rate:.1f} |")
    shared = [path for path in results["pypdf"] if results["pypdf"][path][1] < float("inf")]
    ours = rate({path: documents[path] for path in shared}, results["GlassBox"])[0]
    print(f"\nOn the {len(shared)} that pypdf read: GlassBox {ours:,.0f} pages per CPU second, "
          f"{ours / pypdf_rate:.1f} × pypdf.\n")
    worst = sorted((score.alike(results["GlassBox"][path][0], reference[path]), path.name) for path in readable)[:5]
    for (words, pairs), name in worst:
        print(f"* {name}: {words:.3f}, pairs {pairs:.3f}")


def rate(documents, read):
    done = {path: took for path, (_, took) in read.items() if path in documents and took < float("inf")}
    return sum(documents[path] for path in done) / sum(done.values()), len(done)


def word_documents():
    """The pages of three manuals as Word documents, written by python-docx and read by both."""
    rows = []
    for path in sorted((CACHE / "corpus").rglob("*.pdf"))[:60:12]:
        made = docx.Document()
        made.add_heading(path.stem, 0)
        for number, page in enumerate(pdftotext(path).split("\f")[:60]):
            made.add_heading(f"Page {number + 1}", 1)
            for line in page.splitlines():
                made.add_paragraph("".join(c for c in line if c.isprintable()))
            table = made.add_table(rows=2, cols=2)
            table.cell(0, 0).text, table.cell(1, 1).text = "a & b", "<c>"
        buffer = io.BytesIO()
        made.save(buffer)
        target = CACHE / "made.docx"
        target.write_bytes(buffer.getvalue())
        rows.append((path.stem, target.stat().st_size, *compare_word(target)))
    print("\n| document | bytes | word F1 against python-docx | pairs | missing words | CPU ms | python-docx ms |")
    print("|---|---|---|---|---|---|---|")
    for name, size, words, pairs, missing, ours, theirs in rows:
        print(f"| {name} | {size:,} | {words:.4f} | {pairs:.4f} | {missing} | {ours * 1000:.0f} | {theirs * 1000:.0f} |")


def compare_word(path):
    answer, ours = timed(resource.RUSAGE_CHILDREN, lambda: glassbox(path, "docx"))
    theirs, took = timed(resource.RUSAGE_SELF, lambda: by_python_docx(path))
    text = answer.get("Ok", {}).get("text", "")
    words, pairs = score.alike(text, theirs)
    return words, pairs, score.missing(text, theirs), ours, took


def by_python_docx(path):
    """Paragraphs and tables in the order of the document."""
    document = docx.Document(path)
    parts = []
    for block in document.iter_inner_content():
        if isinstance(block, docx.table.Table):
            parts += [cell.text for row in block.rows for cell in row.cells]
        else:
            parts.append(block.text)
    return "\n".join(parts)


def main():
    logging.disable(logging.CRITICAL)
    found = corpus.fetch(CACHE / "corpus")
    documents = {path: len(pypdfium2.PdfDocument(path)) for path in found}
    if len(documents) < 30:
        raise SystemExit(f"only {len(documents)} documents could be fetched; 30 are needed")
    begun = time.monotonic()
    report(documents, measure(documents))
    word_documents()
    print(f"\n{time.monotonic() - begun:.0f} s")


if __name__ == "__main__":
    main()
