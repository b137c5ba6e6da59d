"""Stretches of time: half-open ``(start, end)`` pairs, and the set arithmetic on lists of them.

A list of spans is *tidy* when it is sorted and disjoint, holds nothing empty, and neighbours that touch
are joined. Everything here takes tidy lists and gives tidy lists back; ``tidy`` itself takes any list.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import TypeAlias

Span: TypeAlias = tuple[datetime, datetime]
Spans: TypeAlias = list[Span]


def tidy(spans: Iterable[Span]) -> Spans:
    """The same time, sorted, without overlaps, with neighbours that touch joined."""
    joined: Spans = []
    for start, end in sorted(spans):
        if start >= end:
            continue
        if joined and start <= joined[-1][1]:
            if end > joined[-1][1]:
                joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return joined


def minus(spans: Spans, taken: Spans) -> Spans:
    """The time in ``spans`` that is not in ``taken``."""
    if not spans or not taken:
        return spans
    left: Spans = []
    first = 0
    for start, end in spans:
        cursor = start
        while first < len(taken) and taken[first][1] <= start:
            first += 1
        at = first
        while at < len(taken) and taken[at][0] < end:
            if cursor < taken[at][0]:
                left.append((cursor, taken[at][0]))
            cursor = taken[at][1]
            at += 1
        if cursor < end:
            left.append((cursor, end))
    return left


def common(spans: Spans, others: Spans) -> Spans:
    """The time that is in both."""
    shared: Spans = []
    here = there = 0
    while here < len(spans) and there < len(others):
        start = max(spans[here][0], others[there][0])
        end = min(spans[here][1], others[there][1])
        if start < end:
            shared.append((start, end))
        if spans[here][1] <= others[there][1]:
            here += 1
        else:
            there += 1
    return shared
