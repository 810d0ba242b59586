"""Two hundred organizations of skewed sizes and 100,000 passages with vectors.

The largest organization has 30 % of all, sizes fall by a power law, and the last forty have
ten passages each. Vectors lie in clusters: each organization has some of 400 subjects, a
subject varies along 24 directions of its own and a little in all, and all have a direction
in common, as those of real models do. A question is a new vector of a subject that the
organization has; no stored vector is one.
"""

import struct
import uuid

import numpy as np

ORGS = 200
SUBJECTS = 400
DIRECTIONS = 24
PROJECTS = 20
THING = 5
MODEL = "bench/1"
USER, ORG, MEMBER, PROJECT, NODE, FILE, CHUNK = range(1, 8)
COPY_HEAD = b"PGCOPY\n\xff\r\n\0" + struct.pack(">ii", 0, 0)


def name(kind, number):
    return uuid.UUID(f"0192a000-0000-7000-{0x8000 + kind:04x}-{number:012x}")


def project(org, number):
    return name(PROJECT, org * 32 + number)


def sizes(total):
    low, high = 1.0, 3.0
    for _ in range(60):
        exponent = (low + high) / 2
        some = np.maximum(10, 0.3 * total * np.arange(1, ORGS + 1) ** -exponent)
        some[160:] = 10
        low, high = (exponent, high) if some.sum() > total else (low, exponent)
    some = some.astype(int)
    some[1] += total - some.sum()
    return some


class World:
    def __init__(self, dimensions, total):
        self.dimensions = dimensions
        self.sizes = sizes(total)
        rng = self.rng = np.random.default_rng(7)
        # The passages of one thing are written together, things of all organizations in turn.
        runs = [(org, min(THING, size - at)) for org, size in enumerate(self.sizes) for at in range(0, size, THING)]
        self.org_of = np.concatenate([np.full(runs[i][1], runs[i][0]) for i in rng.permutation(len(runs))])
        self.centres = rng.normal(size=(SUBJECTS, dimensions)).astype("f4")
        self.common = 0.7 * rng.normal(size=dimensions).astype("f4")
        self.loads = rng.normal(size=(SUBJECTS // 8, dimensions, DIRECTIONS)).astype("f4") / np.sqrt(DIRECTIONS)
        self.vectors = self.make(self.org_of, rng)

    def make(self, orgs, rng):
        subject = np.empty(len(orgs), int)
        for org in np.unique(orgs):
            count = max(3, min(60, int(self.sizes[org] ** 0.5) // 2))
            own = np.random.default_rng(1000 + org).integers(0, SUBJECTS, size=count)
            subject[orgs == org] = rng.choice(own, (orgs == org).sum())
        made = np.empty((len(orgs), self.dimensions), "f4")
        for group, loads in enumerate(self.loads):
            of = subject % len(self.loads) == group
            within = rng.normal(size=(of.sum(), DIRECTIONS)).astype("f4") @ loads.T
            noise = rng.normal(size=(of.sum(), self.dimensions)).astype("f4")
            made[of] = self.centres[subject[of]] + self.common + 0.9 * within + 0.25 * noise
        return made / np.linalg.norm(made, axis=1, keepdims=True)

    def nearest(self, org, vector, count, only=None):
        """The ids of the truly nearest passages."""
        rows = np.flatnonzero(self.org_of == org)
        if only is not None:
            rows = rows[only(rows)]
        best = np.argsort(-(self.vectors[rows] @ vector), kind="stable")[:count]
        return {str(name(CHUNK, int(row))) for row in rows[best]}

    def things(self):
        """Of each passage: its thing's number, and its place in it."""
        seen = np.zeros(ORGS, int)
        for org in self.org_of:
            at = seen[org]
            seen[org] += 1
            yield int(org), int(at // THING), int(at % THING)

    def load(self, connection):
        """Writes everything, as a superuser to whom keys and triggers don't speak."""
        cursor = connection.cursor()
        cursor.execute("set session_replication_role = replica")
        cursor.execute(
            "insert into users (id, cognito_sub, email, name, created_at, updated_at) "
            "values (%s, 'bench', 'bench@example.com', 'Bench', now(), now())",
            (name(USER, 0),),
        )
        for org in range(ORGS):
            cursor.execute(
                "insert into organizations (id, name, slug, created_at, updated_at) values (%s, %s, %s, now(), now())",
                (name(ORG, org), f"Org {org}", f"org-{org}"),
            )
            cursor.execute(
                "insert into org_members (id, org_id, user_id, role, created_at) values (%s, %s, %s, 'member', now())",
                (name(MEMBER, org), name(ORG, org), name(USER, 0)),
            )
            for number in range(PROJECTS):
                cursor.execute(
                    "insert into projects (id, org_id, name, created_at, updated_at) values (%s, %s, %s, now(), now())",
                    (project(org, number), name(ORG, org), f"Project {number}"),
                )
        self.load_things(cursor)
        self.load_vectors(cursor)
        connection.commit()
        connection.autocommit = True
        cursor.execute("vacuum (analyze)")
        cursor.execute("checkpoint")

    @staticmethod
    def project_of(thing):
        """Some projects are large and some small: the first has a third, the last a sixtieth."""
        return int(PROJECTS * (thing * 7919 % 1000 / 1000) ** 3)

    def load_things(self, cursor):
        when = "2026-01-01"
        nodes, files, chunks = [], [], []
        for row, (org, thing, place) in enumerate(self.things()):
            owner, is_file = org * 100_000 + thing, thing % 10 >= 7
            if place == 0 and is_file:
                files.append((name(FILE, owner), name(ORG, org), str(owner), "b", "a.txt", "text/plain", "complete", when, when))
            elif place == 0:
                of = project(org, self.project_of(thing))
                nodes.append((name(NODE, owner), name(ORG, org), of, "Inspect", "draft", "human", 1, when, when))
            ids = (name(FILE, owner), None) if is_file else (None, name(NODE, owner))
            text = f"Pier {thing} of {org} stands in salt water, as was seen on day {row}."
            chunks.append((name(CHUNK, row), name(ORG, org), *ids, place, text, f"{row:064x}", when))
        columns = {
            "nodes": "id, org_id, project_id, title, status, author_type, version, created_at, updated_at",
            "files": "id, org_id, storage_key, storage_bucket, filename, content_type, processing_status, created_at, updated_at",
            "chunks": "id, org_id, file_id, node_id, ordinal, content, sha256, created_at",
        }
        for table, rows in (("nodes", nodes), ("files", files), ("chunks", chunks)):
            with cursor.copy(f"copy {table} ({columns[table]}) from stdin") as copy:
                for one in rows:
                    copy.write_row(one)

    def load_vectors(self, cursor):
        head = struct.pack(">iHH", 4 + 4 * self.dimensions, self.dimensions, 0)
        model = struct.pack(">i", len(MODEL)) + MODEL.encode()
        big_endian = self.vectors.astype(">f4")
        with cursor.copy("copy chunk_vectors (org_id, model, chunk_id, embedding) from stdin (format binary)") as copy:
            copy.write(COPY_HEAD)
            for row, org in enumerate(self.org_of):
                ids = name(ORG, int(org)).bytes, name(CHUNK, row).bytes
                copy.write(
                    struct.pack(">hi", 4, 16) + ids[0] + model + struct.pack(">i", 16) + ids[1] + head + big_endian[row].tobytes()
                )
            copy.write(struct.pack(">h", -1))
