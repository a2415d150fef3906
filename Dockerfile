# One static binary and the time zones: no shell, no package manager, no root.
# The same commit gives the same bytes: see `make image`.
FROM rust:1.95.0-alpine AS build
RUN apk add --no-cache musl-dev tzdata
WORKDIR /datashare
# what the image already has, not what rust-toolchain.toml adds for developers
ENV RUSTUP_TOOLCHAIN=1.95.0 \
    CARGO_PROFILE_RELEASE_STRIP=symbols \
    CARGO_PROFILE_RELEASE_CODEGEN_UNITS=1 \
    RUSTFLAGS="--remap-path-prefix=/datashare=. --remap-path-prefix=/usr/local/cargo/registry/src=crates"
COPY Cargo.toml Cargo.lock ./
COPY src src
COPY benches benches
COPY tests tests
RUN cargo build --release --locked --bin datashare \
 && mkdir -p /image/etc /image/usr/bin /image/usr/share \
 && cp target/release/datashare /image/usr/bin/datashare \
 && cp -R /usr/share/zoneinfo /image/usr/share/zoneinfo \
 && echo 'nonroot:x:65532:65532:nonroot:/nonexistent:/sbin/nologin' > /image/etc/passwd \
 && echo 'nonroot:x:65532:' > /image/etc/group

FROM scratch
COPY --from=build /image /
USER 65532:65532
ENTRYPOINT ["/usr/bin/datashare"]
