"""The pages: one file a page, one table of addresses, themes, languages."""
