"""The page: a list of letters, and each as text and as HTML."""

from __future__ import annotations

from flask import Flask, Response, abort, jsonify, redirect, render_template, request, url_for
from jinja2 import DictLoader
from werkzeug.wrappers import Response as Answer

from .kept import Kept, Letter
from .look import PAGE, STYLE, WORDS

_LETTER_POLICY = (
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; "
    "img-src data: http://127.0.0.1:* http://localhost:*"
)
"""A letter may show the portal's own logo, and nothing that is not on this machine."""


def make_app(kept: Kept) -> Flask:
    """The page's application."""
    app = Flask(__name__, static_folder=None)
    app.jinja_loader = DictLoader({"page.html": PAGE})

    @app.get("/")
    def index() -> str:
        return _render(letters=kept.all())

    @app.get("/<int:number>")
    def show(number: int) -> str:
        return _render(letter=_one(kept, number))

    @app.get("/<int:number>/html")
    def html(number: int) -> Response:
        answer = Response(_one(kept, number).html, mimetype="text/html")
        answer.headers["Content-Security-Policy"] = _LETTER_POLICY
        return answer

    @app.get("/mails.json")
    def mails() -> Response:
        return jsonify([letter.as_json() for letter in kept.all()])

    @app.post("/clear")
    def clear() -> Answer:
        kept.clear()
        return redirect(url_for("index"), 303)

    @app.get("/style.css")
    def style() -> Response:
        return Response(STYLE, mimetype="text/css")

    @app.after_request
    def strict(answer: Response) -> Response:
        answer.headers.setdefault(
            "Content-Security-Policy",
            "default-src 'none'; style-src 'self'; frame-src 'self'; form-action 'self'",
        )
        return answer

    return app


def _one(kept: Kept, number: int) -> Letter:
    return kept.one(number) or abort(404)


def _render(**values: object) -> str:
    language = request.args.get("lang") or request.accept_languages.best_match(WORDS) or "nl"
    language = language if language in WORDS else "nl"
    other = "en" if language == "nl" else "nl"
    return render_template(
        "page.html",
        **{"letter": None, "letters": [], "w": WORDS[language], **values},
        language=language,
        other=other,
    )
