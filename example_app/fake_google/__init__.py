"""Local Google: a stand-in for the parts of Google that this product talks to.

It is a real HTTP server with real OpenID Connect, Calendar API, push channels and security
events, for demonstrations and tests.  See README.md beside this file.
"""
