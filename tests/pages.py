"""A client that looks at each page it fetches as a careful reader would."""

from collections import Counter
from typing import Any

from litestar.testing import TestClient
from lxml import html as lxml_html
from sqlmodel import Session


class Page:
    def __init__(self, response: Any) -> None:
        self.response = response
        self.status = response.status_code
        self.url = str(response.url.path)
        self.tree = (
            lxml_html.fromstring(response.text)
            if response.headers.get("content-type", "").startswith("text/html") and response.text
            else None
        )

    @property
    def text(self) -> str:
        """The words of the main part, white space folded."""
        if self.tree is None:
            return str(self.response.text)
        main = self.tree.find(".//main")
        return " ".join((main if main is not None else self.tree).text_content().split())

    @property
    def said(self) -> str:
        """The notice after a redirect."""
        return " ".join(" ".join(e.text_content() for e in self.tree.find_class("said")).split())

    @property
    def errors(self) -> list[str]:
        """The sentences of the summary on top."""
        return [
            " ".join(li.text_content().split())
            for box in self.tree.find_class("errors")
            for li in box.iter("li")
        ]

    def links(self) -> list[str]:
        return [a.get("href") for a in self.tree.iter("a") if a.get("href")]

    def value(self, name: str) -> str | None:
        """The present value of a form's field."""
        for element in self.tree.xpath(
            f"//input[@name='{name}'] | //textarea[@name='{name}'] | //select[@name='{name}']"
        ):
            return element.value if element.tag != "input" else element.get("value")
        return None

    def check(self) -> None:
        """What every page of ours must have."""
        tree = self.tree
        assert tree.findtext(".//title"), f"{self.url}: no title"
        assert len(tree.xpath("//h1")) == 1, f"{self.url}: {len(tree.xpath('//h1'))} h1"
        doubled = [i for i, n in Counter(tree.xpath("//@id")).items() if n > 1]
        assert not doubled, f"{self.url}: ids twice: {doubled}"
        labelled = set(tree.xpath("//label/@for"))
        for control in tree.xpath("//input[not(@type='hidden')] | //select | //textarea"):
            named = (
                control.get("id") in labelled or control.xpath("ancestor::label") or control.get("aria-label")
            )
            assert named, f"{self.url}: no label for {control.get('name')}"
        for form in tree.xpath("//form[translate(@method, 'POST', 'post')='post']"):
            assert form.xpath(".//input[@name='_csrf_token' and string-length(@value) > 0]"), (
                f"{self.url}: a form without CSRF token"
            )
        assert not tree.xpath("//*[@style]"), f"{self.url}: a style attribute"
        for described in tree.xpath("//*[@aria-describedby]"):
            for name in described.get("aria-describedby").split():
                assert tree.xpath(f"//*[@id='{name}']"), f"{self.url}: nothing has the id {name}"


class Browse:
    def __init__(self, client: TestClient, session: Session) -> None:
        self.client, self.session = client, session

    def get(self, path: str, *, follow: bool = True) -> Page:
        self.session.expire_all()
        return self._seen(self.client.get(path, follow_redirects=follow))

    def post(
        self,
        path: str,
        fields: dict[str, Any] | None = None,
        *,
        files: dict[str, Any] | None = None,
        follow: bool = True,
    ) -> Page:
        """Send a form with the CSRF token, follow to the page it leads to."""
        if "csrf" not in self.client.cookies:
            self.client.get("/sign-in")
        data = {**(fields or {}), "_csrf_token": self.client.cookies.get("csrf")}
        page = self._seen(self.client.post(path, data=data, files=files, follow_redirects=follow))
        self.session.expire_all()
        return page

    def _seen(self, response: Any) -> Page:
        page = Page(response)
        if page.tree is not None:
            page.check()
        return page
