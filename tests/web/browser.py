"""A real Chromium with one page in it, driven through driver.mjs."""

import json
import pathlib
import re
import subprocess
import urllib.parse

FOLDER = pathlib.Path(__file__).parent
PICTURES = FOLDER.parents[1] / "build" / "testing" / "web"


class BrowserError(AssertionError):
    """The page did not do, or does not show, what was asked for."""


class Browser:
    def __init__(self, node: str) -> None:
        self._process = subprocess.Popen(
            [node, FOLDER / "driver.mjs"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def close(self) -> None:
        self._process.stdin.close()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()

    def do(self, what: str, **rest):
        self._process.stdin.write(json.dumps({"do": what} | rest) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise BrowserError(f"the browser has ended, at {what} {rest}")
        answer = json.loads(line)
        if "error" in answer:
            raise BrowserError(f"{what} {rest}: {answer['error']}")
        return answer["value"]

    def open(self, url: str, **options) -> None:
        self.do("open", url=url, **options)

    def see(self, at: str, text: str | None = None, **options) -> str:
        """Waits until there is such an element, and returns its text."""
        return self.do("see", at=at, **({} if text is None else {"text": text}), **options)

    def text(self, at: str) -> str:
        return self.do("text", at=at)

    def texts(self, at: str) -> list[str]:
        return self.do("texts", at=at)

    def click(self, at: str) -> None:
        self.do("click", at=at)

    def figure(self, name: str) -> float:
        """The number of a figure of the overview, its unit left out."""
        return number_in(self.text(f'[data-figure="{name}"]'))

    def picture(self, name: str) -> None:
        PICTURES.mkdir(parents=True, exist_ok=True)
        self.do("picture", path=str(PICTURES / f"{name}.png"))

    def complaints(self) -> list[str]:
        return self.do("report")["complaints"]

    def hosts(self) -> set[str]:
        """That the page has asked."""
        return {urllib.parse.urlsplit(url).netloc for url in self.do("report")["asked"]}

    def hosts_of_all(self) -> set[str]:
        """That any page has asked, since the browser was started."""
        return set(self.do("report")["hosts"])


def number_in(text: str) -> float:
    """Not a number where the page says that it does not know one."""
    found = re.search(r"([\d,.]+)\s*([kMG]?)", text)
    if not found:
        return float("nan")
    return float(found.group(1).replace(",", "")) * {"": 1, "k": 1e3, "M": 1e6, "G": 1e9}[found.group(2)]
