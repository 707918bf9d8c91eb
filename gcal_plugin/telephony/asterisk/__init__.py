"""Asterisk and FreePBX, by the Asterisk Manager Interface."""

from __future__ import annotations

from .family import FamilyTelephony, build_family
from .freepbx import FollowMeTelephony, ForwardTelephony, build_followme, build_forward

__all__ = [
    "FamilyTelephony",
    "FollowMeTelephony",
    "ForwardTelephony",
    "build_family",
    "build_followme",
    "build_forward",
]
