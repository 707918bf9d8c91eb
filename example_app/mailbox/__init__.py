"""A mail server that keeps every letter to itself, and a page that shows them: for the demo."""
