"""Run the API server alone."""

from __future__ import annotations

from importlib import import_module

from upright.client.cli.asked import environment
from upright.client.cli.flags import Command, Flag, parse
from upright.client.cli.troubles import WrongUsage

_ENTRY_POINT = "upright.apiserver.__main__"
_SAID = ("state", "database", "secure-host", "audit-log", "runs")
_MOST = 1 << 40
_LIMITS = (
    ("max-body-bytes", "largest body of a request; 413 beyond", "N", "20971520"),
    ("max-header-bytes", "largest headers of a request; 431 beyond", "N", "65536"),
    ("max-url-bytes", "longest URL; 414 beyond", "N", "16384"),
    ("max-metadata-bytes", "longest labels of an object, and its longest annotations; 422 beyond", "N", "262144"),
    ("request-seconds", "how long a request may take to come whole; 408 beyond", "N", "60"),
)
_BACKUP = "upright.apiserver.backup"


def command() -> Command:
    """Return what help says."""
    return Command(
        "apiserver",
        "Runs the API server alone, without controllers, until it is interrupted.",
        "upright apiserver [backup FILE] [flags]",
        "upright apiserver --port 0 --state ./state\nupright apiserver --database postgresql://upright@db/upright\n"
        "upright apiserver backup ./monday.db --state ./state",
        (
            Flag(
                "port",
                "port of plain HTTP; 0 takes a free one",
                "PORT",
                default="10350",
                variables=("UPRIGHT_PORT", "TILT_PORT"),
            ),
            Flag(
                "host",
                "loopback name to listen on",
                "HOST",
                default="localhost",
                variables=("UPRIGHT_HOST", "TILT_HOST"),
            ),
            Flag(
                "secure-host",
                "address for HTTPS; 0.0.0.0 for every one",
                "ADDRESS",
                default="127.0.0.1",
                variables=("UPRIGHT_SECURE_HOST",),
            ),
            Flag(
                "secure-port",
                "port of HTTPS; 0 takes a free one",
                "PORT",
                default="0",
                variables=("UPRIGHT_SECURE_PORT",),
            ),
            Flag(
                "name",
                "name, beside localhost, that clients call it by; the kubeconfig leads to the first",
                "NAME",
                many=True,
            ),
            Flag("runs", "folder of the controllers, their --state: the logs of Sessions in it are served", "DIR"),
            Flag("audit-log", "file for a line about every write: who, what, from where", "FILE"),
            Flag("state", "folder for database, certificate and kubeconfig", "DIR", variables=("UPRIGHT_STATE",)),
            Flag(
                "database",
                "file or URL of the database; state.db in the folder unless said",
                "URL",
                variables=("UPRIGHT_DATABASE",),
            ),
            *(
                Flag(name, what, unit, default=default, variables=(f"UPRIGHT_{name.upper().replace('-', '_')}",))
                for name, what, unit, default in _LIMITS
            ),
        ),
    )


def run(arguments: list[str]) -> int:
    """Serve until interrupted, or back up the database of a server, which may be running."""
    given = parse(command(), arguments, environment())
    words = list(given.arguments)
    if words and words[0] == "backup":
        if len(words) != 2:
            raise WrongUsage("apiserver backup takes one argument: the file to write")
        line = [words[1], *(f"--{name}={value}" for name in ("state", "database") if (value := given.text(name)))]
        return int(import_module(_BACKUP).main(line))
    if words:
        raise WrongUsage(f'apiserver takes no arguments but "backup FILE", not "{words[0]}"')
    line = [f"--host={given.text('host')}", f"--port={given.number('port', 0, 65535)}"]
    line += [f"--{name}={value}" for name in _SAID if (value := given.text(name))]
    line += [f"--{name}={given.number(name, 1, _MOST)}" for name, *_ in _LIMITS]
    line += [f"--secure-port={given.number('secure-port', 0, 65535)}"]
    line += [f"--name={name}" for name in given.many("name")]
    return int(import_module(_ENTRY_POINT).main(line))
