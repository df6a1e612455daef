# One image for both processes of a shared server: `upright apiserver` and `upright controllers` (docker-compose.yml).
ARG BASE=python:3.13-slim-bookworm
FROM ${BASE}

WORKDIR /opt/upright
COPY requirements-run.lock ./
RUN python -m pip install --no-cache-dir --require-hashes -r requirements-run.lock
COPY pyproject.toml README.md LICENSE ./
COPY upright ./upright
COPY openapi ./openapi
COPY client ./client
COPY apiserver ./apiserver
COPY controllers ./controllers
RUN python -m pip install --no-cache-dir --no-deps --no-build-isolation .

# The state's folder belongs to whom the processes run as; a new volume takes that over.
RUN mkdir -p /var/lib/upright /srv/projects && chown 10001:10001 /var/lib/upright
USER 10001:10001
ENV HOME=/var/lib/upright
VOLUME /var/lib/upright
ENTRYPOINT ["upright"]
