# syntax=docker/dockerfile:1

# One image for every role: the command says which (serve, agent-worker, file-worker,
# migrate).

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
# ca-certificates: the model's service is called over TLS.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/*
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin glassbox \
    && install --directory --owner=glassbox --group=glassbox /data/blobs
COPY --from=build /build/target/release/glassbox /usr/local/bin/glassbox
# config/default.toml is part of the binary; these are the environments' differences.
COPY config/dev.toml config/staging.toml config/production.toml /app/config/
WORKDIR /app
USER glassbox
ENV GLASSBOX_STORAGE__FOLDER=/data/blobs
EXPOSE 8080
# The program handles SIGTERM itself, also as process 1, and waits for the children it
# starts, so no init stands between. There is no HEALTHCHECK here because only `serve`
# has an address to ask; docker-compose.yml asks it.
ENTRYPOINT ["glassbox"]
CMD ["serve"]
