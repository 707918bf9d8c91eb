"""Google as a neighbour: consent, calendars, push channels, security events. One client each."""
