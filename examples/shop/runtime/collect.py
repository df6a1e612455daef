"""Collects a Python runtime for images built FROM scratch, out of the Python that runs this.

    python3 runtime/collect.py FOLDER

FOLDER becomes the root of a file system: the interpreter, those modules of the standard library that the shop uses,
compiled, and the shared libraries that all of it needs. If nothing that it is made of has changed, nothing is done.
"""

import hashlib
import json
import os
import py_compile
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

MODULES = (
    "argparse compileall concurrent.futures hmac html http.client http.server json os runpy signal socketserver sqlite3 "
    "string threading traceback urllib.request "
    "encodings.ascii encodings.idna encodings.latin_1 encodings.utf_8"
)
WITHOUT = "_bz2 _hashlib _lzma _ssl"  # they would bring large libraries along, and the shop does without
LIST_FILES = f"""
import sys
sys.modules.update(dict.fromkeys("{WITHOUT}".split()))
for name in sys.argv[1:]:
    __import__(name)
print(*{{file for module in sys.modules.values() if (file := getattr(module, "__file__", None))}}, sep="\\n")
"""
ETC = {
    "passwd": "root:x:0:0::/:/bin/false\nshop:x:10001:10001::/:/bin/false\n",
    "group": "root:x:0:\nshop:x:10001:\n",
    "nsswitch.conf": "hosts: files dns\n",
}
MARK = "mark.json"


def main(target: Path) -> None:
    """Collect the runtime, if what is there is not up to date."""
    interpreter = Path(sys.executable).resolve()
    mark = fingerprint(interpreter)
    marked = target.parent / f"{target.name}.{MARK}"
    if target.is_dir() and marked.is_file() and marked.read_text(encoding="utf-8") == mark:
        print(f"{target} is up to date")
        return
    made = target.parent / f".{target.name}.{os.getpid()}"
    try:
        size = collect(interpreter, made)
        marked.unlink(missing_ok=True)
        shutil.rmtree(target, ignore_errors=True)
        made.rename(target)
    finally:
        shutil.rmtree(made, ignore_errors=True)
    marked.write_text(mark, encoding="utf-8")
    print(f"{target}: {sys.version.split()[0]} from {interpreter}, {size / 1e6:.1f} MB")


def fingerprint(interpreter: Path) -> str:
    """Say what the runtime is made of: this script, and the interpreter's version, place, size and date."""
    about = interpreter.stat()
    script = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()
    return json.dumps([script, sys.version, str(interpreter), about.st_size, int(about.st_mtime)])


def collect(interpreter: Path, root: Path) -> int:
    """Make the file system, and return its size in bytes."""
    for folder in ("tmp", "etc", "usr/bin"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    (root / "tmp").chmod(0o1777)
    for name, text in ETC.items():
        (root / "etc" / name).write_text(text, encoding="utf-8")
    put(interpreter, root / "usr/bin/python3")
    extensions = modules(interpreter, root)
    for library in sorted(libraries([interpreter, *extensions])):
        put(library, root / str(library).lstrip("/"))
    return sum(file.stat().st_size for file in root.rglob("*") if file.is_file())


def modules(interpreter: Path, root: Path) -> list[Path]:
    """Copy and compile the modules; return those that are shared libraries."""
    listed = subprocess.run(
        [interpreter, "-I", "-S", "-c", LIST_FILES, *MODULES.split()], check=False, capture_output=True, text=True
    )
    if listed.returncode:
        sys.exit(f"{interpreter} has not all modules that the shop needs:\n{listed.stderr}")
    library = Path(sysconfig.get_path("stdlib"))
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    inside = Path("usr", getattr(sys, "platlibdir", "lib"), version)
    (root / inside / "lib-dynload").mkdir(parents=True)
    extensions: list[Path] = []
    for file in sorted(Path(line) for line in listed.stdout.split("\n") if line):
        copied = root / inside / file.relative_to(library)
        put(file, copied)
        if file.suffix == ".py":
            py_compile.compile(
                str(copied),
                dfile=f"/{copied.relative_to(root)}",
                doraise=True,
                invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
            )
        else:
            extensions.append(file)
    return extensions


def libraries(programs: list[Path]) -> set[Path]:
    """Return the shared libraries that programs need, as the dynamic linker finds them, and the linker itself."""
    found: set[Path] = set()
    for program in programs:
        said = subprocess.run(["ldd", program], check=True, capture_output=True, text=True).stdout
        if missing := re.findall(r"(\S+) => not found", said):
            sys.exit(f"{program} needs {', '.join(missing)}, which is not on this machine")
        found |= {Path(path) for path in re.findall(r"(/\S+) \(0x", said)}
    libc = next((path for path in found if path.name.startswith("libc.so")), None)
    if libc and (unwinder := libc.with_name("libgcc_s.so.1")).exists():  # glibc loads it when a thread is ended
        found.add(unwinder)
    return found


def put(file: Path, copy: Path) -> None:
    """Copy a file, with nothing of its mode but whether it can be run."""
    copy.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(file, copy)
    copy.chmod(0o755 if os.access(file, os.X_OK) else 0o644)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
