"""How the mail page looks and what it says."""

from __future__ import annotations

WORDS = {
    "nl": {
        "title": "Postvak",
        "demo": "Demonstratie",
        "lead": "Alle mails van deze demonstratie komen hier uit; er gaat niets de deur uit.",
        "none": "Nog geen mail. Vraag in de portal een koppeling aan, dan komt de eerste.",
        "to": "Aan",
        "no_subject": "(zonder onderwerp)",
        "again": "Kijk opnieuw",
        "back": "Alle mails",
        "html": "Zo ziet de ontvanger het",
        "text": "Als tekst",
        "clear": "Alles weggooien",
        "other": "English",
    },
    "en": {
        "title": "Mailbox",
        "demo": "Demonstration",
        "lead": "Every mail of this demonstration ends up here; nothing leaves this machine.",
        "none": "No mail yet. Request an integration in the portal and the first one comes.",
        "to": "To",
        "no_subject": "(no subject)",
        "again": "Look again",
        "back": "All mails",
        "html": "What the recipient sees",
        "text": "As text",
        "clear": "Throw all away",
        "other": "Nederlands",
    },
}

PAGE = """<!doctype html>
<html lang="{{ language }}">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ letter.subject or w.no_subject if letter else w.title }}</title>
<link rel="stylesheet" href="{{ url_for('style') }}"></head>
<body>
<header><strong>{{ w.demo }}</strong>
<a href="{{ request.path }}?lang={{ other }}" lang="{{ other }}">{{ w.other }}</a></header>
<main>
{% if letter %}
<p><a href="{{ url_for('index') }}">← {{ w.back }}</a></p>
<h1>{{ letter.subject or w.no_subject }}</h1>
<p class="soft">{{ w.to }}: {{ letter.to | join(", ") }}</p>
{% if letter.html %}<h2>{{ w.html }}</h2>
<iframe title="{{ w.html }}" sandbox src="{{ url_for('html', number=letter.number) }}"></iframe>
{% endif %}
<h2>{{ w.text }}</h2>
<pre>{{ letter.text }}</pre>
{% else %}
<h1>{{ w.title }}</h1>
<p class="soft">{{ w.lead }} <a href="{{ url_for('index') }}">{{ w.again }}</a></p>
{% if letters %}
<ul>
{% for one in letters %}
<li><a href="{{ url_for('show', number=one.number) }}">
<strong>{{ one.subject or w.no_subject }}</strong>
<span class="soft">{{ w.to }}: {{ one.to | join(", ") }}</span></a></li>
{% endfor %}
</ul>
<form method="post" action="{{ url_for('clear') }}"><button>{{ w["clear"] }}</button></form>
{% else %}<p class="empty">{{ w.none }}</p>{% endif %}
{% endif %}
</main></body></html>
"""

STYLE = """
:root { color-scheme: light dark; --ink: #1b2430; --soft: #55606e; --page: #f2f4f8;
  --paper: #fff; --line: #cfd6de; --link: #1d4f91; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8edf2; --soft: #a9b4c0; --page: #14191f;
  --paper: #1c232b; --line: #36404b; --link: #9cc4ff; } }
* { box-sizing: border-box; }
body { font: 1rem/1.5 system-ui, sans-serif; color: var(--ink); background: var(--page);
  margin: 0; overflow-wrap: anywhere; }
header { display: flex; justify-content: space-between; gap: 1rem; padding: .9rem 1rem;
  background: var(--paper); border-bottom: 1px solid var(--line); }
main { max-width: 48rem; margin: 0 auto; padding: 1.5rem 1rem 3rem; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0 0 .25rem; }
h2 { font-size: 1rem; margin: 1.75rem 0 .5rem; }
p { margin: 0 0 1rem; }
a { color: var(--link); }
.soft { color: var(--soft); }
ul { list-style: none; margin: 0 0 1.25rem; padding: 0; background: var(--paper);
  border: 1px solid var(--line); border-radius: .75rem; overflow: hidden; }
li + li { border-top: 1px solid var(--line); }
li a { display: block; padding: .85rem 1rem; text-decoration: none; }
li a:hover strong { text-decoration: underline; }
li .soft { display: block; font-size: .9375rem; }
.empty, pre { background: var(--paper); border: 1px solid var(--line); border-radius: .75rem;
  padding: 1rem; }
pre { white-space: pre-wrap; margin: 0; font: .9375rem/1.5 ui-monospace, monospace; }
iframe { display: block; width: 100%; height: 38rem; border: 1px solid var(--line);
  border-radius: .75rem; background: #fff; }
button { font: inherit; font-weight: 600; min-height: 2.75rem; padding: .4rem 1rem;
  color: inherit; background: var(--paper); border: 1px solid var(--soft); border-radius: .5rem;
  cursor: pointer; }
:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
"""
