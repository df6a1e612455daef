"""Buys something through the whole stack, and checks that the shop has one less of it.

python3 smoke.py URL
"""

import json
import re
import sys
import threading
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

SKU = "cup-4"
TRIES = 50
PAUSE_SECONDS = 0.1


def main(url: str) -> None:
    """Look, buy, look again."""
    before = stock(url)
    order = Request(f"{url}/buy", data=json.dumps({"sku": SKU}).encode(), headers={"Content-Type": "application/json"})
    sale = json.loads(ask(order))
    after = stock(url)
    print(f"sale {sale['sale']} of {SKU} by {sale['web']} and {sale['pod']}: {before} in stock before, {after} after")
    if not (after == sale["stock"] == before - 1):
        sys.exit(f"the stock should be {before - 1}: the API says {sale['stock']}, the page {after}")


def stock(url: str) -> int:
    """Read the stock off the page, as a customer does."""
    page = ask(Request(f"{url}/"))
    found = re.search(rf'<tr id="{SKU}">.*<td>(\d+)</td></tr>', page)
    if found is None:
        sys.exit(f"the page has no {SKU}:\n{page}")
    return int(found[1])


def ask(request: Request) -> str:
    """Return the answer; a port forward that is not there yet is waited for, an error is the end."""
    trouble: Exception | None = None
    for _ in range(TRIES):
        try:
            with urlopen(request, timeout=10) as answer:
                return answer.read().decode()
        except HTTPError as error:
            sys.exit(f"{request.full_url} says {error.code}: {error.read().decode(errors='replace')}")
        except URLError as error:
            trouble = error
        threading.Event().wait(PAUSE_SECONDS)
    sys.exit(f"{request.full_url} does not answer: {trouble}")


if __name__ == "__main__":
    main(sys.argv[1])
