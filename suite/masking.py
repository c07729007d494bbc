"""Secrets stay here: passwords and tokens are masked in every text that is shown, recorded or logged."""

import os
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from urllib.parse import quote, quote_plus, unquote, unquote_plus

MASK = "***"
SHORTEST = 4  # letters: a shorter secret is masked inside addresses only, or it would mask parts of all words

_NAME = re.compile(r"(PASSWORD|PASSWD|PASSPHRASE|TOKEN|SECRET|API_?KEY|ACCESS_KEY|_PWD)$", re.IGNORECASE)
_FIELD = re.compile(
    r"((?:password|passwd|passphrase|pwd|token|secret|api_?key|access_?key)=)('[^']*'|\"[^\"]*\"|[^\s&;,'\"<>]+)",
    re.IGNORECASE,
)
_USER = re.compile(r"((?:[a-z][\w+.-]*)?://)([^\s/?#'\"<>@:]*)(:[^\s/?#'\"<>]*)?@", re.IGNORECASE)
_GREEDY = re.compile(r"://([^\s/?#:@]*):(.+)@")  # to the last @: a password may hold every letter that ends an address

_PARTS = re.compile(r"[/?#@:]")


def masked(text: str) -> str:
    """The text with `***` for each secret: those of the environment, and what an address or `password=` shows.

    A secret of the environment is the value of a variable such as `PGPASSWORD`, or a part of an address in any
    variable. It is found as it is, percent-encoded and decoded. Call this before a text is cut: half a secret is not
    found.
    """
    text = _known(tuple(os.environ.items())).sub(MASK, text)
    return _FIELD.sub(rf"\1{MASK}", _USER.sub(_without_password, text))


def holds_secret(name: str, value: str) -> bool:
    """Whether a variable of the environment is a secret by its name, or has one in an address or as `password=`."""
    return any(_secrets(name, value))


def harmless(error: BaseException) -> BaseException | None:
    """The error as a cause that a traceback may show: None where its words, or those of its own causes, hold a secret.

    For errors of clients and drivers, which repeat addresses and are not ours to reword.
    """
    chain: list[BaseException] = [error]
    while (earlier := chain[-1].__cause__ or chain[-1].__context__) and earlier not in chain:
        chain.append(earlier)
    words = " ".join(str(one) for one in chain)
    return error if masked(words) == words else None


def _without_password(found: re.Match[str]) -> str:
    """`scheme://user:***@`; a name alone is a token where the address is one of the web."""
    scheme, user, password = found.groups(default="")
    if len(password) > 1:
        return f"{scheme}{user}:{MASK}@"
    return f"{scheme}{MASK if 'http' in scheme.lower() and user else user}{password}@"


@lru_cache(maxsize=1)
def _known(environment: tuple[tuple[str, str], ...]) -> re.Pattern[str]:
    """What matches any secret of these variables, the longest first."""
    secrets = {form for name, value in environment for secret in _secrets(name, value) for form in _forms(secret)}
    long = sorted((one for one in secrets if len(one) >= SHORTEST), key=lambda one: (-len(one), one))
    return re.compile("|".join(map(_as_pattern, long)) or r"(?!)")


def _as_pattern(secret: str) -> str:
    """A secret of letters alone may be a word, so it is only masked where it is not a part of a longer one."""
    return rf"(?<![^\W\d_]){secret}(?![^\W\d_])" if secret.isalpha() else re.escape(secret)


def _secrets(name: str, value: str) -> Iterator[str]:
    if _NAME.search(name):
        yield value.strip()
    for word in value.split():
        yield from (found[2].strip("'\"") for found in _FIELD.finditer(word))
        if "://" in word:
            yield from _in_address(word)


def _in_address(word: str) -> Iterator[str]:
    strict = _USER.search(word)
    if strict:
        user, password = strict[2], (strict[3] or "")[1:]
        secret = password or (user if "http" in strict[1].lower() else "")
        yield secret
        yield from _PARTS.split(unquote(secret))
    if found := _GREEDY.search(word):
        yield found[2]
        if not strict:  # some programs take such a password apart and show its parts as host, port or path
            yield from _PARTS.split(found[2])


def _forms(secret: str) -> Iterable[str]:
    plain = (secret, unquote(secret), unquote_plus(secret))
    return {*plain, *(encode(one, safe="") for one in plain for encode in (quote, quote_plus))}
