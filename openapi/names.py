"""What may be a name: DNS labels and subdomains, label keys and values, environment variables, keys of a ConfigMap."""

from __future__ import annotations

import re

_DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_DNS_1035 = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
_DNS_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_CONFIG_KEY = re.compile(r"[-._a-zA-Z0-9]+")
_QUALIFIED = re.compile(r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]")
_PORT_NAME = re.compile(r"[-a-z0-9]+")
LABEL_CHARACTERS = 63
SUBDOMAIN_CHARACTERS = 253
PORT_NAME_CHARACTERS = 15


def dns_label_trouble(name: str) -> str:
    """Return Kubernetes' words for what is wrong with an RFC 1123 label; empty if nothing is."""
    if len(name) > LABEL_CHARACTERS:
        return f"must be no more than {LABEL_CHARACTERS} characters"
    if _DNS_LABEL.fullmatch(name):
        return ""
    return (
        "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end "
        "with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is "
        "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
    )


def dns_1035_trouble(name: str) -> str:
    """Return Kubernetes' words for what is wrong with an RFC 1035 label, which a Service's name must be."""
    if len(name) > LABEL_CHARACTERS:
        return f"must be no more than {LABEL_CHARACTERS} characters"
    if _DNS_1035.fullmatch(name):
        return ""
    return (
        "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, "
        "and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is "
        "'[a-z]([-a-z0-9]*[a-z0-9])?')"
    )


def dns_subdomain_trouble(name: str) -> str:
    """Return Kubernetes' words for what is wrong with an RFC 1123 subdomain; empty if nothing is."""
    if len(name) > SUBDOMAIN_CHARACTERS:
        return f"must be no more than {SUBDOMAIN_CHARACTERS} characters"
    if _DNS_SUBDOMAIN.fullmatch(name):
        return ""
    return (
        "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start "
        "and end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
        r"'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
    )


def config_key_trouble(key: str) -> str:
    """Return Kubernetes' words for what is wrong with a key of a ConfigMap or Secret; empty if nothing is."""
    if len(key) > SUBDOMAIN_CHARACTERS:
        return f"must be no more than {SUBDOMAIN_CHARACTERS} characters"
    if key in {".", ".."} or key.startswith(".."):
        return "must not be '.', '..' or start with '..'"
    if _CONFIG_KEY.fullmatch(key):
        return ""
    return (
        "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME', "
        " or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"
    )


def env_name_trouble(name: str) -> str:
    """Return Kubernetes' words for what is wrong with an environment variable's name; empty if nothing is."""
    if all(" " <= letter <= "~" and letter != "=" for letter in name):
        return ""
    return (
        "a valid environment variable name must consist only of printable ASCII characters other than '=' "
        "(e.g. 'my.env-name', or 'MY_ENV.NAME', or 'MyEnvName1')"
    )


def port_name_trouble(name: str) -> str:
    """Return Kubernetes' words for what is wrong with a port's name; empty if nothing is."""
    if len(name) > PORT_NAME_CHARACTERS:
        return f"must be no more than {PORT_NAME_CHARACTERS} characters"
    if not _PORT_NAME.fullmatch(name):
        return "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)"
    if "--" in name:
        return "must not contain consecutive hyphens"
    if not re.search(r"[a-z]", name):
        return "must contain at least one letter (a-z)"
    return "must not begin or end with a hyphen" if name.startswith("-") or name.endswith("-") else ""


def label_value_trouble(value: str) -> str:
    """Return Kubernetes' words for what is wrong with a label's value; empty if nothing is."""
    if len(value) > LABEL_CHARACTERS:
        return f"must be no more than {LABEL_CHARACTERS} characters"
    if not value or _QUALIFIED.fullmatch(value):
        return ""
    return (
        "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start "
        "and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation "
        "is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
    )


def label_key_trouble(key: str) -> str:
    """Return Kubernetes' words for what is wrong with a label's or annotation's key; empty if nothing is."""
    prefix, slash, name = key.rpartition("/")
    if slash and (trouble := dns_subdomain_trouble(prefix)):
        return f"prefix part {trouble}"
    if len(name) > LABEL_CHARACTERS:
        return f"name part must be no more than {LABEL_CHARACTERS} characters"
    if _QUALIFIED.fullmatch(name):
        return ""
    return (
        "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric "
        "character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
        "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
    )
