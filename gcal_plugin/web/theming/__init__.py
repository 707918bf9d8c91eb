"""Themes: a reseller's folder of tokens, logos and templates, laid over the pages."""
