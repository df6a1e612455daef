"""An image made of this machine's own PostgreSQL, for where none can be pulled: it stands in under the real one's name."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.upright.base_image import libraries, put

IMAGE = "postgres:17-bookworm"
_INSTALLED = sorted(Path("/usr/lib/postgresql").glob("*"))
_PROGRAMS = ("initdb", "postgres", "pg_isready", "psql")
_START = """#!/bin/sh
# What the real image does at its first start: makes a database of the user's name that asks for the password.
set -e
data=/var/lib/postgresql/data
if [ ! -s $data/PG_VERSION ]; then
  echo "$POSTGRES_PASSWORD" > /tmp/password
  initdb -D $data -U "$POSTGRES_USER" --pwfile=/tmp/password --auth=scram-sha-256 --locale=C --encoding=UTF8
  rm /tmp/password
  echo "host all all all scram-sha-256" >> $data/pg_hba.conf
  echo "CREATE DATABASE $POSTGRES_USER;" | postgres --single -D $data postgres
fi
exec postgres -D $data -c listen_addresses='*' -c unix_socket_directories=/tmp
"""


def dockerfile() -> str:
    """Return how the image is made of the folder."""
    return f"""
FROM scratch
COPY . /
RUN ["/bin/busybox", "--install", "-s", "/bin"]
RUN mkdir -p /var/lib/postgresql/data && chown -R 999:999 /var/lib/postgresql && chmod 700 /var/lib/postgresql/data
ENV PATH={_INSTALLED[-1] / "bin"}:/bin PGHOST=/tmp
USER 999:999
VOLUME /var/lib/postgresql/data
ENTRYPOINT ["/start"]
"""


def make(folder: Path) -> Path:
    """Make the folder that is the image's root."""
    for name in ("bin", "tmp", "etc"):
        (folder / name).mkdir(parents=True)
    (folder / "tmp").chmod(0o1777)
    shutil.copy("/bin/busybox", folder / "bin/busybox")
    (folder / "etc/passwd").write_text("postgres:x:999:999:postgres:/:/bin/sh\n")
    (folder / "start").write_text(_START)
    (folder / "start").chmod(0o755)
    home = _INSTALLED[-1]
    programs = [home / "bin" / name for name in _PROGRAMS]
    modules = [path for path in (home / "lib").glob("*.so") if "llvm" not in path.name]
    for path in (*programs, *modules):
        put(folder, path)
        for library in libraries(path):
            put(folder, library)
    for data in (Path("/usr/share/postgresql") / home.name, Path("/usr/share/zoneinfo")):
        shutil.copytree(data, folder / data.relative_to("/"), symlinks=False, ignore_dangling_symlinks=True)
    return folder
