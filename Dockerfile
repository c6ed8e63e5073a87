# One executable in an image without a shell: docker build -t image-sharing . && docker run -p 8000:8000 -v photos:/data image-sharing
FROM docker.io/oven/bun:1.4.5-slim AS build
WORKDIR /src
COPY package.json bun.lock bunfig.toml ./
RUN bun install --frozen-lockfile
COPY . .
# git describe --always --dirty, shown by --version.
ARG COMMIT=""
RUN bun run build --commit "$COMMIT" && mkdir /data

FROM gcr.io/distroless/cc-debian12:nonroot
LABEL org.opencontainers.image.title="image-sharing" \
      org.opencontainers.image.description="Accounts, uploads, a feed and safe media storage in one executable." \
      org.opencontainers.image.licenses="MIT"
COPY --from=build /src/dist/image-sharing /usr/local/bin/image-sharing
COPY --from=build --chown=65532:65532 --chmod=700 /data /data
ENV DATA_DIR=/data
WORKDIR /data
USER 65532:65532
VOLUME /data
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=5s CMD ["/usr/local/bin/image-sharing", "health"]
ENTRYPOINT ["/usr/local/bin/image-sharing"]
