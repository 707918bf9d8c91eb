"""The page: a list of letters, and each as text and as HTML."""

from __future__ import annotations

from flask import Flask, Response, abort, jsonify, redirect, render_template_string, url_for
from werkzeug.wrappers import Response as Answer

from .kept import Kept, Letter

_PAGE = """<!doctype html>
<html lang="nl">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{{ letter.subject if letter else "Mailbox" }}</title>
<link rel="stylesheet" href="{{ url_for('style') }}"></head>
<body>
<header><h1><a href="{{ url_for('index') }}">Mailbox</a></h1>
<p>Mails of the demo end here; nothing leaves this machine.</p></header>
<main>
{% if letter %}
<h2>{{ letter.subject }}</h2>
<p>To: {{ letter.to | join(", ") }}</p>
<iframe title="HTML" sandbox src="{{ url_for('html', number=letter.number) }}"></iframe>
<h3>Text</h3>
<pre>{{ letter.text }}</pre>
{% else %}
<table><thead><tr><th>To</th><th>Subject</th></tr></thead><tbody>
{% for one in letters %}
<tr><td>{{ one.to | join(", ") }}</td>
<td><a href="{{ url_for('show', number=one.number) }}">{{ one.subject or "-" }}</a></td></tr>
{% else %}
<tr><td colspan="2">No mail yet.</td></tr>
{% endfor %}
</tbody></table>
<form method="post" action="{{ url_for('clear') }}"><button>Throw all away</button></form>
{% endif %}
</main></body></html>
"""

_STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 60em; margin: 0 auto; padding: 1em; }
table { width: 100%; border-collapse: collapse; }
th, td { padding: .5em; text-align: left; border-bottom: 1px solid #8888; }
iframe { width: 100%; height: 32em; border: 1px solid #8888; background: #fff; }
pre { white-space: pre-wrap; padding: 1em; border: 1px solid #8888; }
"""


def make_app(kept: Kept) -> Flask:
    """The page's application."""
    app = Flask(__name__, static_folder=None)

    @app.get("/")
    def index() -> str:
        return _render(letters=kept.all())

    @app.get("/<int:number>")
    def show(number: int) -> str:
        return _render(letter=_one(kept, number))

    @app.get("/<int:number>/html")
    def html(number: int) -> Response:
        answer = Response(_one(kept, number).html, mimetype="text/html")
        answer.headers["Content-Security-Policy"] = (
            "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:"
        )
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
        return Response(_STYLE, mimetype="text/css")

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
    return render_template_string(_PAGE, **{"letter": None, "letters": [], **values})
