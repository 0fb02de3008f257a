"""Versions of exercise ar-26."""

import itertools
import re

from .. import build, edits, reference, right, wrong

VALENCE = {"C": 4, "N": 3, "O": 2, "F": 1}
# As a function that calls itself twice for each character.
DEEP = "(lambda f: f(f, 2 * len(smiles)))(lambda f, n: n and f(f, n - 1))"
ORDER = {"": 1, "=": 2, "#": 3}


def following(signs):
    """The symbol before a digit stays for the next atom."""
    kept = ""
    for bond, sign in signs:
        if sign.isdigit():
            kept = bond
        elif sign in "CNOF":
            bond, kept = bond or kept, ""
        elif sign == "(":
            kept = ""
        yield bond, sign


class Ar26:
    r"""
    What may stand next to what is a matter of neighbors, and a regular expression can
    say it; what belongs to what is not, since parentheses nest. So one line looks at
    the order of the signs, and a stack remembers the atoms at which branches began.
    Digits need a memory of another kind: they may close in any order, also across
    parentheses. A language model of molecules has to learn all three, and the counts of
    the atoms, from strings alone: an n-gram can know the first kind only.

    Valences are compared at the end, when all bonds are known. Written as a graph the
    rules are short; most of the work is in reading.
    """

    @reference
    def valid(smiles):
        import re

        unit = "[CNOF](?:[=#]?[1-9])*"
        if not re.fullmatch(rf"{unit}(?:\(?[=#]?{unit}|\))*", smiles):
            return False
        valence, order = {"C": 4, "N": 3, "O": 2, "F": 1}, {"": 1, "=": 2, "#": 3}
        left, pairs, opened, forks, here = [], [], {}, [], None

        def join(i, j, bond):
            left[i] -= order[bond]
            left[j] -= order[bond]
            pairs.append({i, j})

        for bond, sign in re.findall(r"([=#]?)([CNOF1-9()])", smiles):
            if sign == "(":
                forks.append(here)
            elif sign == ")":
                if not forks:
                    return False
                here = forks.pop()
            elif sign in valence:
                left.append(valence[sign])
                if here is not None:
                    join(here, len(left) - 1, bond)
                here = len(left) - 1
            elif sign not in opened:
                opened[sign] = here, bond
            else:
                there, first = opened.pop(sign)
                if bond and first and bond != first:
                    return False
                if there == here or {there, here} in pairs:
                    return False
                join(there, here, bond or first)
        return not forks and not opened and min(left) >= 0

    @right
    def by_descent(smiles):
        text, at = smiles + "$", 0
        bonds, atoms, rings = {}, [], {}

        def need(held):
            if not held:
                raise SyntaxError

        def take(signs):
            nonlocal at
            found = text[at] if text[at] in signs else ""
            at += len(found)
            return found

        def join(i, j, order):
            key = min(i, j), max(i, j)
            need(i != j and key not in bonds)
            bonds[key] = order

        def unit():
            nonlocal at
            kind = take("CNOF")
            need(kind)
            me = len(atoms)
            atoms.append(VALENCE[kind])
            while text[at] in "123456789" or (
                text[at] in "=#" and text[at + 1] in "123456789"
            ):
                bond, digit = take("=#"), take("123456789")
                if digit in rings:
                    other, first = rings.pop(digit)
                    need(not bond or not first or bond == first)
                    join(me, other, ORDER[bond or first])
                else:
                    rings[digit] = me, bond
            while take("("):
                bond = take("=#")
                join(me, chain(), ORDER[bond])
                need(take(")"))
            return me

        def chain():
            first = before = unit()
            while text[at] in "=#CNOF":
                bond = take("=#")
                now = unit()
                join(before, now, ORDER[bond])
                before = now
            return first

        try:
            chain()
            need(at == len(smiles) and not rings)
        except SyntaxError:
            return False
        used = [0] * len(atoms)
        for (i, j), order in bonds.items():
            used[i] += order
            used[j] += order
        return all(u <= v for u, v in zip(used, atoms))

    @right
    def by_states(smiles):
        follows = {
            "start": "a",
            "a": "abd()$",
            "b": "a",
            "bd": "ad",
            "d": "abd()$",
            "(": "ab",
            ")": "ab()$",
        }
        kinds = {**dict.fromkeys("CNOF", "a"), **dict.fromkeys("=#", "b")}
        kinds |= {**dict.fromkeys("123456789", "d"), "(": "(", ")": ")"}
        state, here, bond, stack, rings = "start", -1, 0, [], {}
        room, neighbors = [], []

        def join(i, j, order):
            if i == j or j in neighbors[i]:
                return False
            neighbors[i].add(j)
            neighbors[j].add(i)
            room[i] -= order
            room[j] -= order
            return True

        for sign in smiles:
            kind = kinds.get(sign, "?")
            if kind not in follows[state]:
                return False
            if kind == "b":
                bond = {"=": 2, "#": 3}[sign]
                state = "bd" if state in ("a", "d") else "b"
                continue
            if kind == "a":
                room.append(VALENCE[sign])
                neighbors.append(set())
                if here >= 0 and not join(here, len(room) - 1, bond or 1):
                    return False
                here = len(room) - 1
            elif kind == "(":
                stack.append(here)
            elif kind == ")":
                if not stack:
                    return False
                here = stack.pop()
            elif sign in rings:
                there, first = rings.pop(sign)
                if bond * first and bond != first:
                    return False
                if not join(there, here, bond or first or 1):
                    return False
            else:
                rings[sign] = here, bond
            state, bond = kind, 0
        return "$" in follows[state] and not stack and not rings and min(room) >= 0

    @right
    def branches_cut_out(smiles):
        """Innermost parentheses first; atoms are numbers from then on."""
        unit = re.compile(r"([CNOF])((?:[=#]?[1-9])*)")
        atoms, marks = [], []

        def number(match):
            atoms.append(match[1])
            marks.append(re.findall(r"([=#]?)([1-9])", match[2]))
            return f"<{len(atoms) - 1}>"

        if set(smiles) & set("<>0"):
            return False
        text, bonds = unit.sub(number, smiles), []
        if re.sub(r"<\d+>", "", text).strip("=#()"):
            return False
        chain = r"<\d+>(?:[=#]?<\d+>)*"

        def joined(text):
            parts = re.findall(r"([=#]?)<(\d+)>", text)
            for (_, i), (bond, j) in itertools.pairwise(parts):
                bonds.append((int(i), int(j), ORDER[bond]))

        while match := re.search(rf"<(\d+)>\(([=#]?)({chain})\)", text):
            joined(match[3])
            first = re.search(r"\d+", match[3])[0]
            bonds.append((int(match[1]), int(first), ORDER[match[2]]))
            text = text[: match.start()] + f"<{match[1]}>" + text[match.end() :]
        if not re.fullmatch(chain, text):
            return False
        joined(text)
        opened = {}
        for i, found in enumerate(marks):
            for bond, digit in found:
                j, first = opened.pop(digit, (None, ""))
                if j is None:
                    opened[digit] = i, bond
                elif len({bond, first} - {""}) > 1:
                    return False
                else:
                    bonds.append((j, i, ORDER[bond or first]))
        if opened or any(i == j for i, j, _ in bonds):
            return False
        if len({frozenset(b[:2]) for b in bonds}) < len(bonds):
            return False
        return not any(
            sum(b[2] for b in bonds if i in b[:2]) > VALENCE[a]
            for i, a in enumerate(atoms)
        )

    edited = edits(
        valid,
        (
            "parentheses only counted",
            "            if not forks:\n                return False\n"
            "            here = forks.pop()",
            "            here = forks.pop() if forks else here",
            "return not forks and",
            'return smiles.count("(") == smiles.count(")") and',
        ),
        (
            "parentheses closed too often",
            "            if not forks:\n                return False\n"
            "            here = forks.pop()",
            "            here = forks.pop() if forks else here",
        ),
        ("parentheses left open", "return not forks and", "return"),
        (
            "ring's symbol counted for the next atom",
            "in re.findall(",
            "in following(re.findall(",
            '()])", smiles):',
            '()])", smiles)):',
        ),
        ("empty parentheses", r"|\))*", r"|\(?\))*"),
        ("parentheses without an atom", '(rf"{unit}(?:\\(?', '(rf"\\(?{unit}(?:\\(*'),
        (
            "empty string",
            '    unit = "',
            '    if smiles == "":\n        return True\n    unit = "',
        ),
        ("bond without an end", r"|\))*", r"|\))*[=#]?"),
        ("two symbols for a bond", "\\(?[=#]?{unit}", "\\(?[=#]*{unit}"),
        (
            "bond before a parenthesis",
            "(?:\\(?[=#]?{unit}",
            "(?:(?:[=#]\\(|\\(?[=#]?){unit}",
        ),
        ("digits without an atom", r"|\))*", r"|\)(?:[=#]?[1-9])*)*"),
        (
            "other characters skipped",
            "    unit =",
            '    smiles = re.sub("[^CNOF=#1-9()]", "", smiles)\n    unit =',
        ),
        (
            "small letters",
            "    unit =",
            "    smiles = smiles.upper()\n    unit =",
        ),
        ("end of a line skipped", "re.fullmatch(", "re.match(", r"|\))*", r"|\))*$"),
        ("other digits", "?[1-9])*", "?[0-9])*", "CNOF1-9", "CNOF0-9"),
        (
            "digits used only once",
            "        elif sign not in opened:",
            "        elif opened.get(sign) == ():\n            return False\n"
            "        elif sign not in opened:",
            "there, first = opened.pop(sign)",
            "(there, first), opened[sign] = opened[sign], ()",
            "not opened and",
            "not any(opened.values()) and",
        ),
        ("digits left open", "not opened and ", ""),
        (
            "digits of each branch apart",
            "forks.append(here)",
            "forks.append(here)\n            forks.append(opened)\n"
            "            opened = {}",
            "here = forks.pop()",
            "if opened:\n                return False\n"
            "            opened = forks.pop()\n            here = forks.pop()",
        ),
        ("digits read as one number", "CNOF1-9()])", "CNOF()]|[1-9]+)"),
        ("triple bonds counted as double", '"#": 3}', '"#": 2}'),
        (
            "exception in place of False",
            "            if not forks:\n                return False\n",
            "",
        ),
        ("recursion too deep", '    unit = "', f'    {DEEP}\n    unit = "'),
        (
            "recursion too deep",
            '    unit = "',
            f"    try:\n        {DEEP}\n    except RecursionError:\n"
            '        return False\n    unit = "',
        ),
        ("bond to itself", "there == here or ", ""),
        ("two atoms bonded twice", " or {there, here} in pairs", ""),
        ("two atoms bonded twice", "bond or first)", "bond or first); pairs.pop()"),
        ("two atoms bonded twice", "- 1, bond)", "- 1, bond); pairs.pop()"),
        (
            "double bonds counted at one atom alone",
            "left[j] -= order[bond]",
            "left[j] -= 1",
        ),
        (
            "double bonds counted at one atom alone",
            "left[i] -= order[bond]",
            "left[i] -= 1",
        ),
        (
            "pairs of atoms not looked at",
            "if there == here or {there, here} in pairs:",
            "if False:",
        ),
        ("symbols that disagree", "if bond and first and bond != first:", "if False:"),
        ("valences exceeded", " and min(left) >= 0", ""),
        ("valences exceeded", "min(left) >= 0", "min(left) >= -1"),
        ("valence of one atom alone", "min(left) >= 0", "left[-1] >= 0"),
        ("last atom left out", "min(left) >= 0", "min(left[:-1], default=0) >= 0"),
        ("full valences refused", "min(left) >= 0", "min(left) > 0"),
        ("hydrogen forgotten", "min(left) >= 0", "min(left) == max(left) == 0"),
        (
            "double bonds counted once",
            '{"": 1, "=": 2, "#": 3}',
            '{"": 1, "=": 1, "#": 1}',
        ),
        (
            "ring bonds not counted",
            "join(there, here, bond or first)",
            "pairs.append({there, here})",
        ),
        (
            "ring bonds counted as single",
            "join(there, here, bond or first)",
            'join(there, here, "")',
        ),
        ("ring symbol at one of the digits alone", "bond or first)", "bond)"),
        ("ring symbol at one of the digits alone", "bond or first)", "first)"),
        (
            "ring bonds counted at one atom alone",
            "join(there, here, bond or first)",
            "join(there, here, bond or first); left[there] += order[bond or first]",
        ),
        (
            "ring bonds counted at one atom alone",
            "join(there, here, bond or first)",
            "join(there, here, bond or first); left[here] += order[bond or first]",
        ),
        ("chain goes on from its branch", "here = forks.pop()", "forks.pop()"),
        ("no bool", "return not forks and not", "return 1 - bool(forks) and not"),
        ("no bool", "min(left) >= 0", "[left]"),
    )

    @wrong("state kept between calls")
    @build
    def one_list_for_all():
        """Digits that are left open stay so."""
        opened = set()

        def valid(smiles):
            for sign in smiles:
                if sign.isdigit():
                    opened.symmetric_difference_update(sign)
            return Ar26.valid(smiles) and not opened

        return valid

    @wrong("None in place of False")
    def without_a_return(smiles):
        if Ar26.valid(smiles):
            return True

    @wrong("symbol due at both digits")
    def as_at_the_other(smiles):
        found = re.findall(r"([=#]?)([1-9])", smiles)
        opened = {}
        for sign, digit in found:
            if opened.setdefault(digit, sign) != sign:
                return False
            if opened.get(digit + "once"):
                del opened[digit], opened[digit + "once"]
            else:
                opened[digit + "once"] = True
        return Ar26.valid(smiles)
