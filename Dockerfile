# Pitwall in a container: glibc, because the NVIDIA driver's library is loaded at run time and is linked against it.
FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY . .
RUN cargo build --release --locked --package pitwall

FROM debian:12-slim
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --system --home-dir /data --shell /usr/sbin/nologin pitwall \
 && install -d -o pitwall -g pitwall /data
COPY --from=build /src/target/release/pitwall /usr/bin/pitwall
USER pitwall
VOLUME /data
EXPOSE 3000
# The NVIDIA container toolkit mounts libnvidia-ml.so.1 where this capability is asked for.
ENV NVIDIA_DRIVER_CAPABILITIES=utility
# Nobody is asked who they are yet: publish the port on the loopback interface only (-p 127.0.0.1:3000:3000).
ENTRYPOINT ["pitwall", "--storage.path=/data", "--web.listen-address=0.0.0.0:3000", "--web.auth=off"]
