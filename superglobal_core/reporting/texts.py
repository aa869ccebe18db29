"""Numbers and sentences as readers see them."""

from __future__ import annotations

import math

from markupsafe import Markup, escape

MINUS = "\N{MINUS SIGN}"
ABSENT = "\N{EN DASH}"


def with_code(text: str) -> Markup:
    """Return a sentence for a page: what stands between backticks as code, all else escaped.

    >>> str(with_code("the key `a<b` is left out"))
    'the key <code>a&lt;b</code> is left out'
    """
    parts = text.split("`")
    if len(parts) % 2 == 0:
        return escape(text)
    return Markup().join(
        Markup("<code>{}</code>").format(part) if i % 2 else part for i, part in enumerate(parts)
    )


def percent(value: float | None) -> str:
    """Return a fraction in percent, without the sign.

    >>> percent(0.56789), percent(None)
    ('56.79', '–')
    """
    return ABSENT if value is None else f"{100 * value:.2f}"


def interval(bounds: tuple[float, float] | None) -> str:
    """Return an interval of fractions in percent.

    >>> interval((0.5, 0.625))
    '50.00 to 62.50'
    """
    return "" if bounds is None else f"{100 * bounds[0]:.2f} to {100 * bounds[1]:.2f}"


def points(value: float | None) -> str:
    """Return a difference in points with its sign.

    >>> points(1.2345), points(-0.5), points(-0.001)
    ('+1.23', '−0.50', '0.00')
    """
    if value is None:
        return ABSENT
    text = f"{value:+.2f}"
    return text[1:] if float(text) == 0 else text.replace("-", MINUS)


def point_interval(bounds: tuple[float, float] | None) -> str:
    """Return an interval of differences in points.

    >>> point_interval((-0.5, 1.25))
    '−0.50 to +1.25'
    """
    return "" if bounds is None else f"{points(bounds[0])} to {points(bounds[1])}"


def p_value(value: float) -> str:
    """Return a p-value with four decimals.

    >>> p_value(0.01234), p_value(0.00002)
    ('0.0123', '< 0.0001')
    """
    return "< 0.0001" if value < 0.0001 else f"{value:.4f}"


def count(value: int | None) -> str:
    """Return a number of things with commas.

    >>> count(1001001), count(None)
    ('1,001,001', 'not recorded')
    """
    return "not recorded" if value is None else f"{value:,}"


def significant(value: float, digits: int = 3) -> str:
    """Return a positive number with so many digits that mean something, more before the point if need be.

    >>> significant(0.04401), significant(3.0), significant(9999.6), significant(64865.4)
    ('0.0440', '3.00', '10,000', '64,900')
    """
    if value == 0:
        return "0"
    rounded = float(f"{value:.{digits - 1}e}")
    return f"{rounded:,.{max(0, digits - 1 - math.floor(math.log10(abs(rounded))))}f}"


def milliseconds(seconds: float) -> str:
    """Return seconds in ms with three digits.

    >>> milliseconds(0.0004), milliseconds(7.0798)
    ('0.400', '7,080')
    """
    return significant(1000 * seconds)


def times(ratio: float) -> str:
    """Return a speedup.

    >>> times(8231.7), times(0.5)
    ('8,230x', '0.500x')
    """
    return f"{significant(ratio)}x"


def duration(seconds: float) -> str:
    """Return a duration in the unit it is thought of in.

    >>> duration(0.0123), duration(75.4), duration(7265)
    ('12 ms', '1 min 15 s', '2 h 1 min')
    """
    if seconds < 1:
        return f"{1000 * seconds:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def size(number: int | None) -> str:
    """Return bytes in kB, MB or GB (powers of ten).

    >>> size(3_450_000_000), size(12_300_000), size(4_096), size(None)
    ('3.45 GB', '12 MB', '4 kB', '–')
    """
    if number is None:
        return ABSENT
    if 0 < number < 1e6:
        return f"{number / 1e3:.0f} kB"
    return f"{number / 1e9:.2f} GB" if number >= 1e9 else f"{number / 1e6:.0f} MB"


def moment(date: str) -> str:
    """Return an ISO 8601 date of a record, shorter.

    >>> moment("2024-05-06T07:08:09+00:00")
    '2024-05-06 07:08:09 UTC'
    """
    return date.replace("T", " ", 1).replace("+00:00", " UTC")


def short_commit(commit: object) -> str:
    """Return a commit's first digits, as git itself abbreviates; other texts as they are.

    >>> short_commit("8fab4d3c0ffee8fab4d3c0ffee8fab4d3c0ffee1")
    '8fab4d3'
    """
    text = str(commit)
    return text[:7] if len(text) == 40 and all(digit in "0123456789abcdef" for digit in text) else text
