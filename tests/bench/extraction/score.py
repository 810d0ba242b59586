"""How alike two texts are: the F1 of their words, and of their pairs of neighbours.

Words are compared as multisets, so the first number says what is there, and pairs say
whether it is in the same order. Compatibility forms (ligatures, full-width letters) count as
what they stand for, and each ideograph or kana as a word, since nothing sets them apart.
"""

import collections
import re
import unicodedata

# Ideographs, kana and Hangul one by one; else runs of letters and digits.
WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff]|[^\W\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff]+")


def words(text):
    return WORD.findall(unicodedata.normalize("NFKC", text).casefold())


def f1(ours, theirs):
    ours, theirs = collections.Counter(ours), collections.Counter(theirs)
    both = sum((ours & theirs).values())
    total = sum(ours.values()) + sum(theirs.values())
    return 2 * both / total if total else 1.0


def alike(text, reference):
    """The F1 of words and of pairs of words."""
    ours, theirs = words(text), words(reference)
    return f1(ours, theirs), f1(zip(ours, ours[1:]), zip(theirs, theirs[1:]))


def missing(text, reference):
    """How many words of the reference the text has not."""
    return sum((collections.Counter(words(reference)) - collections.Counter(words(text))).values())
