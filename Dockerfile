# site and con out of their own tarballs, for docker-compose.yml. con runs its fake host here: real containers need a host.
FROM node:24-bookworm-slim AS build
WORKDIR /berth
COPY . .
RUN npm ci --ignore-scripts --no-audit --no-fund \
 && npx tsc -b \
 && NX_DAEMON=false npx nx build dashboard \
 && node tools/pack.mjs con /packed/con \
 && node tools/pack.mjs site /packed/site

FROM node:24-bookworm-slim AS con
WORKDIR /app
COPY --from=build /packed/con/ ./
# Without what is optional: the fake host needs no koffi.
RUN npm install --omit=optional --ignore-scripts --no-audit --no-fund ./*.tgz \
 && install --directory --owner=node /var/lib/berth/con /run/berth/con
USER node
CMD ["node", "node_modules/@berth/con/dist/main.js", "daemon", "--driver", "fake"]

FROM node:24-bookworm-slim AS site
WORKDIR /app
COPY --from=build /packed/site/ ./
RUN npm install --ignore-scripts --no-audit --no-fund ./*.tgz
USER node
ENTRYPOINT ["node", "node_modules/@berth/site/dist/main.js"]
CMD ["serve"]
