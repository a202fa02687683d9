# syntax=docker/dockerfile:1

# 1. Build. The toolchain is the image's own; rust-toolchain.toml names the same version.
FROM rust:1.95-bookworm AS build
ENV RUSTUP_TOOLCHAIN=1.95.0
WORKDIR /src
COPY . .
RUN cargo build --release --locked \
 && install -D target/release/dauso /out/dauso \
 && mkdir /out/data

# 2. Run: the binary and the C library. It needs no shell and is not root.
FROM debian:bookworm-slim
COPY --from=build /out/dauso /dauso
COPY --from=build --chown=65534:65534 /out/data /data
USER 65534:65534
WORKDIR /data
VOLUME /data
EXPOSE 8417
HEALTHCHECK --interval=30s --timeout=3s --start-period=20s --retries=3 CMD ["/dauso", "healthcheck"]
ENTRYPOINT ["/dauso"]
CMD ["serve", "--config", "/data/dauso.toml"]
