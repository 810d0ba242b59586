"""Questions with known answers, made by rules from what manuals say; no model and no person
writes them, and nothing of the search is looked at.

Three kinds, each with the place in the file's text that answers it:

* `reworded`: some of the words of one sentence. About half are kept; of those a third gives
  way to another word for it (synonyms.txt), a third changes its form, and one in twelve is misspelt.
* `definition`: "What is X?" for a sentence that says "X is …", where one sentence alone does.
* `heading`: the words of a section's heading, changed in the same way; the section's beginning
  answers it.

So a question shares words with its answer, which favours search by words over search by
meaning; what rewording takes away favours the latter. People who don't know a manual's words at
all ask harder questions than these.
"""

import pathlib
import random
import re

HERE = pathlib.Path(__file__).parent
SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z])")
WORD = re.compile(r"[A-Za-z][a-z]+(?:-[a-z]+)?|[A-Z]{2,}")
DEFINITION = re.compile(r"^(?:An?|The) ((?:[A-Za-z-]+ ){1,2}[A-Za-z-]{3,}) is (?:an?|the) ")
# Words that end so have no plural and no past.
FIXED = ("ly", "al", "ive", "ous", "ent", "ant", "ble", "ic", "est", "ful", "less", "ary", "ior", "ish")
STOP = set(
    "a about above after all also an and any are as at be because been before being between both but by can could "
    "did do does each either for from had has have having he her here how however i if in into is it its itself just "
    "may might more most must no not of off on once one only or other our out over own same shall she should since so "
    "some such than that the their them then there these they this those though through thus to too under until up "
    "upon very was we well were what when where whether which while who whose why will with within without would yet "
    "you your see e.g i.e etc note".split()
)
FRAMES = ["{}", "{}", "{}?", "how {}?", "how can I {}?", "what about {}?", "when {}?", "why {}?", "where {}?"]
LEAST, MOST = 12, 40


def synonyms():
    lines = (HERE / "synonyms.txt").read_text(encoding="utf-8").splitlines()
    return dict(line.split() for line in lines if line and not line.startswith("#"))


SYNONYMS = synonyms()


def sentences(text):
    """The sentences of running text, each with where it begins and ends."""
    at = 0
    for part in SENTENCE.split(text):
        begin = text.find(part, at)
        at = begin + len(part)
        yield begin, at, " ".join(part.split())


def is_prose(sentence):
    words = sentence.split()
    plain = sum(bool(re.fullmatch(r"[A-Za-z]+(?:[-'][A-Za-z]+)*[,.;:]?", word)) for word in words)
    return (
        LEAST <= len(words) <= MOST
        and sentence[0].isupper()
        and sentence.endswith(".")
        and plain >= 0.85 * len(words)
        and ". ." not in sentence
    )


def content(sentence):
    return [word for word in WORD.findall(sentence) if word.lower() not in STOP and len(word) > 2]


def other_form(word):
    """Another form of a word, by the commonest rules of English."""
    if len(word) < 5 or word.endswith(FIXED):
        return word
    if word.endswith("ies"):
        return word[:-3] + "y"
    if word.endswith("ing") and len(word) > 6:
        return word[:-3] + "ed"
    if word.endswith("ed") and len(word) > 5:
        return word[:-2] + "ing"
    if word.endswith("s") and not word.endswith("ss") and len(word) > 4:
        return word[:-1]
    if word.endswith("y") and len(word) > 4 and word[-2] not in "aeiou":
        return word[:-1] + "ies"
    if word.endswith(("s", "x", "z", "ch", "sh")):
        return word + "es"
    return word + "s"


def misspelt(word, dice):
    at = dice.randrange(1, len(word) - 2)
    if dice.random() < 0.5:
        return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    return word[:at] + word[at + 1 :]


def reworded(words, dice):
    said = []
    for word in words:
        plain = word.lower()
        fate = dice.random()
        if fate < 1 / 3 and plain in SYNONYMS:
            said.append(SYNONYMS[plain])
        elif fate < 2 / 3 and word[1:].islower():
            said.append(other_form(plain))
        elif fate > 11 / 12 and len(word) >= 6 and word[1:].islower():
            said.append(misspelt(plain, dice))
        else:
            said.append(word if word.isupper() else plain)
    return dice.choice(FRAMES).format(" ".join(said))


def of_sentences(text, dice, unique):
    for begin, end, sentence in sentences(text):
        words = content(sentence)
        if not is_prose(sentence) or len(set(words)) < 8 or not unique(sentence):
            continue
        count = max(4, round(len(words) * dice.uniform(0.4, 0.6)))
        kept = sorted(dice.sample(range(len(words)), min(count, 8)))
        yield "reworded", reworded([words[at] for at in kept], dice), begin, end


def definitions(text):
    """What a text defines, with where; the caller knows what others define."""
    for begin, end, sentence in sentences(text):
        found = DEFINITION.match(sentence)
        if found and is_prose(sentence) and not set(found[1].lower().split()) & STOP:
            yield found[1].lower(), begin, end


def of_heading(title, text, dice):
    """A question about a section whose heading stands in the text."""
    words = content(title)
    if len(words) < 3 or len(words) > 8:
        return None
    pattern = r"\s+".join(re.escape(part) for part in title.split())
    found = list(re.finditer(pattern, text))
    if len(found) != 1:
        return None
    begin = found[0].start()
    return "heading", reworded(words, dice), begin, min(begin + 900, len(text))


def make(files, most, seed=7):
    """Questions about `files` ({name: (manual, text, headings)}), as even over the manuals as can
    be: [(manual, file, kind, question, begin, end)]."""
    dice = random.Random(seed)
    seen, defined = {}, {}
    for name, (_, text, _) in files.items():
        for _, _, sentence in sentences(text):
            seen[sentence] = seen.get(sentence, 0) + 1
        for what, begin, end in definitions(text):
            defined.setdefault(what, []).append((name, begin, end))
    pools = {}
    for name in sorted(files):
        manual, text, headings = files[name]
        made = list(of_sentences(text, dice, lambda sentence: seen[sentence] == 1))
        made += filter(None, (of_heading(title, text, dice) for title in headings))
        pools.setdefault(manual, []).extend((name, *one) for one in made)
    for what, places in defined.items():
        if len(places) == 1:
            name, begin, end = places[0]
            pools[files[name][0]].append((name, "definition", f"What is {what}?", begin, end))
    chosen = []
    share = -(-most // len(pools))
    for manual in sorted(pools):
        by_kind = {}
        for one in pools[manual]:
            by_kind.setdefault(one[1], []).append(one)
        for kind, part in (("definition", 0.2), ("heading", 0.3), ("reworded", 1.0)):
            room = share - sum(1 for one in chosen if one[0] == manual)
            pool = sorted(by_kind.get(kind, []))
            dice.shuffle(pool)
            chosen += [(manual, *one) for one in pool[: min(room, round(share * part))]]
    return chosen
