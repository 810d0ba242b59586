# syntax=docker/dockerfile:1

# One image for every role: the command says which (serve, agent-worker, file-worker,
# migrate). It runs as user 10001 on a read-only root file system; it writes to /tmp and
# /data/blobs only.

FROM rust:1.95-bookworm AS build
WORKDIR /build

# The dependencies alone, so that this layer is built again only when they change.
COPY Cargo.toml Cargo.lock ./
RUN mkdir src \
    && echo 'fn main() {}' > src/main.rs \
    && touch src/lib.rs \
    && cargo build --release --locked \
    && rm -r src

COPY config config
COPY migrations migrations
COPY src src
# Cargo goes by the time of the files, and the stand-ins above are newer than a checkout.
RUN touch src/main.rs src/lib.rs && cargo build --release --locked


FROM debian:bookworm-slim
# ca-certificates: models, SQS and the identity provider are called over TLS.
# tini: reaps what children leave behind, and hands on signals.
# poppler-utils, tesseract-ocr: the program takes text out of documents by itself; for scans and
# images, and for PDFs that it gives up on, file workers ask these. tesseract-ocr-<language> adds
# a language to English.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends \
        ca-certificates poppler-utils tesseract-ocr tini \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --gid 10001 glassbox \
    && useradd --uid 10001 --gid 10001 --no-create-home --shell /usr/sbin/nologin glassbox \
    && install --directory --owner=glassbox --group=glassbox /data/blobs
COPY --from=build /build/target/release/glassbox /usr/local/bin/glassbox
COPY --chmod=755 deploy/image/start.sh /usr/local/bin/start
COPY --chmod=755 deploy/image/healthcheck.sh /usr/local/bin/healthcheck
# config/default.toml is part of the binary; these are the environments' differences.
COPY config/dev.toml config/staging.toml config/production.toml /app/config/
WORKDIR /app
USER 10001:10001
ENV GLASSBOX_STORAGE__FOLDER=/data/blobs
# A new volume takes its owner and mode from here, which is how /tmp can be written on
# Fargate though the rest can't.
VOLUME ["/tmp", "/data/blobs"]
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 CMD ["healthcheck"]
ENTRYPOINT ["tini", "--", "start"]
CMD ["serve"]

# Last, because the revision changes with every build.
ARG REVISION=unknown
LABEL org.opencontainers.image.title="GlassBox" \
    org.opencontainers.image.description="People and AI agents work on nodes, and all an agent does is evidence." \
    org.opencontainers.image.licenses="Apache-2.0" \
    org.opencontainers.image.revision="$REVISION"
