"""The documents of the extraction benchmark: manuals out of Debian packages, by name.

`apt-get download` fetches the packages of packages.txt into a folder, and their PDFs are
unpacked beside them. Nothing is installed, and what is there already is not fetched again.
"""

import gzip
import pathlib
import shutil
import subprocess

HERE = pathlib.Path(__file__).parent
# Of packages with a manual in each of twenty languages, the first by name are enough.
MOST_OF_A_PACKAGE = 6


def packages():
    lines = (HERE / "packages.txt").read_text().splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def fetch(folder):
    """The PDFs, in the order of packages.txt; a package that can't be had is left out."""
    if not shutil.which("apt-get") or not shutil.which("dpkg-deb"):
        raise SystemExit("make bench-extraction: apt-get and dpkg-deb are needed (Debian, Ubuntu).")
    folder.mkdir(parents=True, exist_ok=True)
    found = []
    for package in packages():
        found += documents_of(package, folder / package)
    return found


def documents_of(package, folder):
    if not folder.exists():
        unpack(package, folder)
    return sorted(folder.glob("*.pdf"))


def unpack(package, folder):
    work = folder.with_suffix(".tmp")
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    done = subprocess.run(["apt-get", "download", package], cwd=work, capture_output=True)
    if done.returncode != 0:
        print(f"{package}: can't be had; left out")
        shutil.rmtree(work)
        return
    for archive in work.glob("*.deb"):
        subprocess.run(["dpkg-deb", "-x", archive, work / "x"], check=True)
    folder.mkdir()
    seen = set()
    for source in sorted((work / "x").rglob("*.pdf*")):
        if source.is_symlink() or len(seen) == MOST_OF_A_PACKAGE:
            continue
        content = gzip.decompress(source.read_bytes()) if source.suffix == ".gz" else source.read_bytes()
        if content not in seen:
            seen.add(content)
            (folder / source.name.removesuffix(".gz")).write_bytes(content)
    shutil.rmtree(work)
