"""One file a page: ask the services, answer in the theme."""
