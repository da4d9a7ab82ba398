# An image of eigenshard: docker build --tag eigenshard .
# Debian and not Alpine: the libraries of onnxruntime are built for glibc.
ARG NODE=node:20.20.2-bookworm-slim

FROM ${NODE} AS build
WORKDIR /build
COPY . .
# Installs what the lockfile names, and builds.
RUN npm ci --no-audit --no-fund
# Keeps what runs: no tools, and of the libraries those of this platform.
RUN npm prune --omit=dev --ignore-scripts --no-audit --no-fund \
 && find vendor/onnxruntime-node/bin -type f ! -path "*/linux/$(node -p process.arch)/*" -delete \
 && rm -rf dist/src/report/client \
 && mkdir -p /opt/eigenshard \
 && cp -a --parents package.json LICENSE coordinator.js config node_modules vendor dist/src dist/workers /opt/eigenshard \
 && chmod 755 /opt/eigenshard/coordinator.js

FROM ${NODE}
COPY --from=build /opt/eigenshard /opt/eigenshard
RUN ln -s /opt/eigenshard/coordinator.js /usr/local/bin/eigenshard
# A cluster may have it run as a user without a home; what is cached then goes where everybody may write.
ENV NODE_ENV=production HOME=/tmp
USER 1000:1000
ENTRYPOINT ["eigenshard"]
CMD ["--help"]
