"""Exercise ar-26: Is it a molecule?"""

import itertools
import random

from .._exercise import Exercise, Stop

VALENCE = {"C": 4, "N": 3, "O": 2, "F": 1}


@Exercise(
    id="ar-26",
    title="Is it a molecule?",
    difficulty=4,
    minutes=50,
    compute="cpu-instant",
    points=5,
    objectives=(
        "Read a string as a graph, and say whether it keeps the rules that a language "
        "model of molecules has to learn.",
    ),
    statement=r"""
SMILES ([Weininger, 1988](https://doi.org/10.1021/ci00057a005)) writes a molecule as a
string. This is a small part of it, where `[ ]` may be left out and `{ }` stands as
often as you like, or not at all:

    chain = unit { [bond] unit }
    unit  = atom { [bond] digit } { "(" [bond] chain ")" }
    atom  = "C" | "N" | "O" | "F"
    bond  = "=" | "#"
    digit = "1" | "2" | ... | "9"

The atom of a unit is bonded to that of the next unit in its chain, and to the first
atom of each chain that stands in its parentheses. The bond counts 1, or 2 if `=` stands
before the later atom, or 3 if `#` does. A digit that stands at two atoms is a bond
between them: the first one opens it, the next one closes it, and after that the digit
is free for another bond. A symbol for it may stand before either digit, or before both.

Write `valid(smiles)`: it takes any `str` and returns True if the whole string is a
chain and keeps these rules, and False if not.

1. Each digit that is opened is closed.
2. No atom is bonded to itself, and no two atoms are bonded twice, by whatever means.
3. Where both digits of a bond have a symbol before them, it is the same.
4. The bonds of an atom count at most 4 together for C, 3 for N, 2 for O and 1 for F.
   What is left is filled by hydrogen, which is not written.

So `C`, `O=C=O`, `FC(F)(F)F`, `C1CC=1` and `C1CC11CC1` are molecules, and `C1C1`,
`C(C`, `C()C`, `C(C)1CC1`, `C=`, `NF=C` and the empty string are not. The result is a
`bool`; there is no exception, whatever the string. Strings have 500 characters at most,
and parentheses are at most 50 deep. Packages for chemistry read more than this.
""",
    stub='''
def valid(smiles):
    """A str -> True if it is a molecule, else False."""
    return ...
''',
    answers={"valid": callable},
    hints=(
        "Go through the string once, and know at each character to which atom the next "
        "one would be bonded. What has to be remembered at an opening parenthesis?",
        "Keep the open digits in a dictionary, each with its atom and its symbol.",
        "The count of an atom is complete only at the end: a digit that is closed far "
        "away adds to it.",
    ),
    misconceptions={
        "no bool": "True or False is due.",
        "None in place of False": "A function that ends without a return gives None.",
        "state kept between calls": "The same molecule is none after other strings: "
        "something of those is left, such as a default argument.",
        "symbol due at both digits": "One symbol is enough, before either digit.",
        "ring's symbol counted for the next atom": "The symbol before a digit belongs "
        "to the bond of that digit alone.",
        "exception in place of False": "What is no molecule is no reason to stop.",
        "recursion too deep": "Python ends a recursion at some 1,000 calls: a chain of "
        "500 atoms needs a loop, or one call for each of them at most.",
        "parentheses only counted": "As many closed as opened is not enough: none is "
        "closed that has not been opened before.",
        "parentheses closed too often": "None is closed that has not been opened.",
        "parentheses left open": "Each one that is opened is closed.",
        "empty parentheses": "A branch has one atom at least.",
        "parentheses without an atom": "A branch stands behind an atom, its digits and "
        "its other branches.",
        "empty string": "A chain has one atom at least.",
        "bond without an end": "A bond stands between two atoms, or before a digit.",
        "two symbols for a bond": "A bond has one symbol.",
        "bond before a parenthesis": "The symbol stands inside, before the atom.",
        "digits without an atom": "Digits stand right behind their atom.",
        "digits used only once": "A digit that was closed is free again.",
        "digits left open": "Each digit that is opened is closed.",
        "digits of each branch apart": "A digit may be closed in a branch, or behind "
        "the one in which it was opened.",
        "digits read as one number": "In C12 two bonds open, 1 and 2.",
        "bond to itself": "Both digits at one atom: that is no bond.",
        "two atoms bonded twice": "Neighbors, and two digits at the same atoms, are "
        "bonded already.",
        "double bonds counted at one atom alone": "It counts 2 at both of its atoms.",
        "pairs of atoms not looked at": "Which two atoms does a digit join, and are "
        "they the same, or bonded already?",
        "symbols that disagree": "Two symbols for one bond must be the same.",
        "other characters skipped": "All characters count, also those that are not in "
        "the grammar.",
        "end of a line skipped": "In a regular expression $ also stands before the end "
        "of a line; all characters count.",
        "small letters": "Atoms are written with capitals here.",
        "other digits": "The digits are 1 to 9.",
        "valences exceeded": "The bonds of an atom count 4, 3, 2 and 1 at most.",
        "valence of one atom alone": "All atoms are looked at.",
        "last atom left out": "All atoms are looked at, the last one, too.",
        "double bonds counted once": "A double bond counts 2, a triple one 3, at both "
        "of its atoms.",
        "triple bonds counted as double": "A # counts 3.",
        "ring bonds not counted": "A bond by digits counts as any other.",
        "ring bonds counted as single": "A symbol before a digit counts 2 or 3.",
        "ring symbol at one of the digits alone": "The symbol may stand before either "
        "digit.",
        "ring bonds counted at one atom alone": "A bond counts at both of its atoms.",
        "hydrogen forgotten": "What is left of a valence is filled by hydrogen.",
        "full valences refused": "An atom may use all that it has.",
        "chain goes on from its branch": "After a parenthesis that closes, the chain "
        "goes on from the atom before the one that opened.",
    },
)
def ar_26(t, valid):
    rng = random.Random(t.integer(0, 2**31 - 1))

    def left(atoms, bonds):
        found = [VALENCE[a] for a in atoms]
        for i, j, order, _ in bonds:
            found[i], found[j] = found[i] - order, found[j] - order
        return found

    def grow(n, first="C", rings=0, hold=0, orders=(1, 1, 1, 2, 3)):
        """Up to ``n`` more atoms and some rings; the first atom keeps ``hold`` bonds.

        A bond is a pair of atoms, its order, and where a ring's symbol stands.
        """
        atoms, bonds = [first], []
        for k in range(n + rings):
            free = left(atoms, bonds)
            free[0] -= hold
            spots = [i for i, v in enumerate(free) if v > 0]
            both = {b[:2] for b in bonds}
            pairs = [(i, j) for i in spots for j in spots if i < j]
            pairs = [p for p in pairs if not {p, p[::-1]} & both]
            kind, order = rng.choice("CCCCNOF"), rng.choice(orders)
            if k < n and spots:
                i = rng.choice(spots)
                order = min(order, free[i], VALENCE[kind])
                bonds.append((i, len(atoms), order, ""))
                atoms.append(kind)
            elif k >= n and pairs:
                i, j = rng.choice(pairs)
                order = min(order, free[i], free[j])
                bonds.append((i, j, order, rng.choice(("open", "close", "both"))))
        return atoms, bonds

    def write(atoms, bonds, root=None):
        """From ``root``; each ring has a digit of its own."""
        root = rng.randrange(len(atoms)) if root is None else root
        names = dict(zip([b for b in bonds if b[3]], rng.sample("123456789", 9)))
        seen, sign = set(), {1: "", 2: "=", 3: "#"}

        def unit(i):
            text = atoms[i]
            seen.add(i)
            for b in rng.sample(list(names), len(names)):
                if i in b[:2]:
                    other = b[0] + b[1] - i
                    when = "close" if other in seen else "open"
                    text += sign[b[2]] * (b[3] in (when, "both")) + names[b]
            near = [(b[0] + b[1] - i, b[2]) for b in bonds if i in b[:2] and not b[3]]
            nexts = [pair for pair in near if pair[0] not in seen]
            rng.shuffle(nexts)
            for k, (j, order) in enumerate(nexts):
                more = sign[order] + unit(j)
                last = k == len(nexts) - 1 and rng.random() < 0.8
                text += more if last else f"({more})"
            return text

        return unit(root)

    def piece(hold=1):
        """A molecule whose first atom is C and has ``hold`` bonds left."""
        return write(*grow(rng.randint(0, 3), hold=hold), root=0)

    def path():
        kinds = [rng.choice("CNO") for _ in range(rng.randint(0, 6))]
        return "".join([rng.choice("CNOF"), *kinds, rng.choice("CNOF")])

    def filled():
        atoms, bonds = grow(rng.randint(0, 4), rng.choice("CN"))
        for i, v in enumerate(left(atoms, bonds)):
            for _ in range(v):
                bonds.append((i, len(atoms), 1, ""))
                atoms.append("F")
        return write(atoms, bonds)

    def center(extra, how, opens=None, told=""):
        """An atom with ``extra`` more bonds than it can have, of some kind."""
        ring = {"ring": 1, "ring order": 2}.get(how, 0)
        least = 3 - extra if ring > 1 else 2 - extra  # by orders, or around a ring
        kind = rng.choice([k for k in VALENCE if VALENCE[k] >= least or not how])
        orders, rest = [], VALENCE[kind] + extra - ring
        if how == "orders":
            orders.append(rng.randint(2, min(3, rest)))
        orders += [1] * (rest - sum(orders))
        atoms = [kind] + ["C"] * len(orders)
        bonds = [(0, i + 1, v, "") for i, v in enumerate(orders)]
        root = None
        if ring:
            n = len(atoms)
            bonds += [(1, n, 1, ""), (0, n, ring, told or "open")]
            atoms, root = [*atoms, "C"], 0 if opens else n
        for i in range(1, rng.randint(1, len(atoms))):
            bonds.append((i, len(atoms), 1, ""))
            atoms.append("C")
        return write(atoms, bonds, root)

    def again():
        d = rng.choice("123456789")
        one = f"C{d}{'C' * rng.randint(1, 3)}C{d}"
        return rng.choice((one * 2, one * 3, f"{one}{d}CC{d}", f"C({one}){one}"))

    def odd():
        text, sign = a(), rng.choice("sSHl%-.:/@[]+* ")
        i = rng.randint(0, len(text))
        return rng.choice((text[:i] + sign + text[i:], text + sign))

    def one(*ways):
        """In turn."""
        turns = itertools.cycle(ways)
        return lambda: next(turns)()

    def small():
        text = a() + rng.choice(("N", "O", "F", "C"))
        i = rng.choice([i for i, v in enumerate(text) if v in VALENCE])
        return text[:i] + text[i].lower() + text[i + 1 :]

    def large():
        return f"C({write(*grow(30, hold=1), root=0)})(C)(C)(C)C"

    a, b = piece, lambda: piece(2)
    molecules = {
        "an atom": lambda: rng.choice("CNOF"),
        "a chain": path,
        "branches of C": lambda: f"C(C){'C' * rng.randint(0, 3)}(C)C",
        "branches": one(lambda: f"C(CF){a()}", lambda: f"C(=O){a()}"),
        "a tree": lambda: write(*grow(8)),
        "a ring into a branch": lambda: f"C1C(C{'C' * rng.randint(0, 3)}1){a()}",
        "rings": lambda: write(*grow(8, rings=2, orders=(1,))),
        "rings with symbols": lambda: write(*grow(6, rings=3)),
        "a ring's symbol at one digit": lambda: f"C1C({a()})C=1",
        "a ring's symbol at both digits": lambda: f"C=1C({a()})C=1",
        "an atom behind a ring's symbol": lambda: f"C=1C({a()})C=1F",
        "a digit used again": again,
        "no hydrogen left": filled,
        "an atom that has all it can": one(
            lambda: center(0, ""), lambda: center(0, "orders")
        ),
        "a long chain": lambda: "".join(rng.choices("CNO", k=500)),
        "a large molecule": lambda: write(*grow(40, rings=5)),
        "deep parentheses": lambda: "C(" * 45 + a() + ")" * 45,
    }
    grammar = {
        "nothing": lambda: "",
        "a bond without an end": one(
            lambda: f"={a()}",
            lambda: f"{a()}=",
            lambda: f"{a()}#",
            lambda: f"C(C=){a()}",
            lambda: f"C(=){a()}",
        ),
        "two symbols for a bond": one(
            lambda: f"C=={b()}", lambda: f"C#={b()}", lambda: f"C==1CC1{a()}"
        ),
        "a bond before a parenthesis": lambda: f"C=({b()})C",
        "open parentheses": one(lambda: f"C({a()}", lambda: f"C(C({a()})C"),
        "too many closed": one(lambda: f"{a()})", lambda: f"C({a()})){a()}"),
        "parentheses in the wrong order": lambda: f"{a()})({a()}",
        "empty parentheses": one(lambda: f"C(){a()}", lambda: f"C(C()){a()}"),
        "parentheses without an atom": one(
            lambda: f"({a()})C", lambda: f"C(({a()})C)C"
        ),
        "digits without an atom": one(
            lambda: f"C({a()})1CC1",
            lambda: f"C({a()})=1CC1",
            lambda: f"1CCC1{a()}",
            lambda: f"C(1CC1){a()}",
        ),
        "other characters": odd,
        "small letters": small,
        "a line's end": lambda: f"{a()}\n",
        "other digits": one(lambda: f"C0CC0{a()}", lambda: f"C²CC²{a()}"),
    }
    digits = {
        "an open digit": one(lambda: f"C1{a()}", lambda: f"C1CC1C1{a()}"),
        "a bond to itself": one(
            lambda: f"C11{a()}", lambda: f"CC22{a()}", lambda: f"C({a()})C33"
        ),
        "neighbors bonded by digits": one(
            lambda: f"C1C1{a()}", lambda: f"C1({a()})C1", lambda: f"C3(C3){a()}"
        ),
        "two digits at the same atoms": one(
            lambda: f"C12CC12{a()}", lambda: f"C12CC21{a()}"
        ),
        "symbols that disagree": one(
            lambda: f"C=1C({a()})CC#1", lambda: f"C#2C({a()})C=2"
        ),
    }
    valences = {
        "neighbors": one(lambda: center(1, ""), large),
        "in a chain": lambda: f"CF{a()}",
        "orders": lambda: center(1, "orders"),
        "a triple bond": lambda: f"CN#{b()}",
        "last": one(lambda: f"C({a()})=F", lambda: f"C({a()})C#O"),
        "last of a ring": lambda: f"C1({a()})CF1",
        "ring, opened": lambda: center(1, "ring", True),
        "ring, closed": lambda: center(1, "ring", False),
    }
    for told in ("open", "close"):
        for opens in (True, False):
            name = f"symbol at the {told}, {'opened' if opens else 'closed'}"
            make = lambda *a: lambda: center(1, "ring order", *a)  # noqa: E731
            valences[name] = make(opens, told)

    groups = {
        "molecules of all kinds": molecules,
        "strings that are no chain": grammar,
        "digits that make no bond": digits,
        "atoms with too many bonds": valences,
    }

    def tried(text, due):
        try:
            return t.call(valid, text)
        except Stop as stop:
            got = stop.lines["got"]
            deep = "recursion too deep" if "RecursionError" in got else None
            name = deep or (None if due else "exception in place of False")
            if stop.outcome == "not attempted" and worked:
                name = "None in place of False"
            elif stop.outcome != "error" or not name:
                raise
            t.fail(name, why=f"{due}, and no exception.", got=got)

    failed, every, least, worked = set(), [], None, False
    rings = [f"C{d}CC{d}" for d in "123456789"]
    first = [t.call(valid, text) for text in rings]
    worked = True
    for group, kinds in groups.items():
        t.property(group)
        every += kinds
        for kind, make in kinds.items():
            for text in sorted({make() for _ in range(16)}):
                due = kinds is molecules
                out = tried(text, due)
                got = f"an object of type {type(out).__name__}"
                t.true(type(out) is bool, "True or False.", got, "no bool")
                if out is not due:
                    failed.add(kind)
                    if least is None or len(text) < len(least[1]):
                        least = group, text, f"{due}: {kind}."
    t.property("the same again")
    for text, old in zip(rings, first):
        out = t.call(valid, text)
        why = f"{old} for {text!r}, as before all others."
        t.true(out == old, why, f"{out}", "state kept between calls")
    first = t.call(valid, "CC")
    t.call(valid, "C1")
    again = t.call(valid, "CC")
    why = f"{first} for 'CC', as before 'C1'."
    t.true(again == first, why, f"{again}", "state kept between calls")
    if least:
        group, text, why = least
        t.property(group)
        out = t.call(valid, text)
        name = named(failed, {*every}, molecules, valences)
        t.fail(name, why=why, got=f"{out} for {text!r}")


def named(failed, every, molecules, valences):
    """The mistake for which just these kinds of strings fail."""
    if len(failed) == 1 and (name := ALONE.get(*failed)):
        return name
    symbols = {k for k in valences if k.startswith("symbol")}
    shut, last = {"ring, closed", "last of a ring"}, {"last", "last of a ring"}
    rings = {"ring, opened"} | shut | symbols
    closed, opened = (
        {k for k in symbols if k.endswith(v)} for v in ("closed", "opened")
    )
    told = [{k for k in symbols if f"the {v}" in k} for v in ("open", "close")]
    itself, disagree = {"a bond to itself"}, {"symbols that disagree"}
    double, triple = {"two digits at the same atoms"}, {"a triple bond"}
    twice = {"neighbors bonded by digits"} | double
    circles = {k for k in every if "ring" in k} | {"a large molecule", "an open digit"}
    told_rings = {"rings with symbols", "a large molecule"}
    plain, wide = {"an atom", "branches of C"}, {"branches", "neighbors"}
    alone, full = {"no hydrogen left"}, {"an atom that has all it can"}
    lines = {"a line's end", "other digits", "small letters"}
    known = [  # what has failed, and what may have failed with it
        ("other characters skipped", {"other characters"}, lines),
        ("digits read as one number", double, circles | {"a digit used again"}),
        ("symbol due at both digits", {"a ring's symbol at one digit"}, told_rings),
        (
            "ring's symbol counted for the next atom",
            {"an atom behind a ring's symbol"},
            told_rings,
        ),
        ("digits of each branch apart", {"a ring into a branch"}, circles),
        ("two atoms bonded twice", twice, set()),
        ("pairs of atoms not looked at", itself | twice, set()),
        ("ring symbol at one of the digits alone", told[0], disagree),
        ("ring symbol at one of the digits alone", told[1], disagree),
        ("ring bonds counted as single", symbols, disagree),
        ("ring bonds counted at one atom alone", closed | shut, full),
        ("ring bonds counted at one atom alone", opened | {"ring, opened"}, full),
        ("double bonds counted once", symbols | {"orders", "last"} | triple, disagree),
        ("triple bonds counted as double", {"last"} | triple, {"orders"}),
        ("double bonds counted at one atom alone", {"orders", "last"} | closed, set()),
        ("double bonds counted at one atom alone", {"orders"} | opened, triple),
        ("ring bonds not counted", rings, disagree),
        ("last atom left out", last, {"orders", "ring, closed"} | closed),
        ("valences exceeded", set(valences), set()),
        ("valence of one atom alone", set(valences) - last, set()),
        ("full valences refused", alone | full, set(molecules) - plain),
        ("hydrogen forgotten", set(molecules) - alone - full, full),
        ("chain goes on from its branch", wide, every - plain - {"a chain"}),
    ]
    fits = (name for name, core, more in known if core <= failed <= core | more)
    return next(fits, None)


ALONE = {
    "nothing": "empty string",
    "a bond without an end": "bond without an end",
    "two symbols for a bond": "two symbols for a bond",
    "a bond before a parenthesis": "bond before a parenthesis",
    "open parentheses": "parentheses left open",
    "parentheses in the wrong order": "parentheses only counted",
    "too many closed": "parentheses closed too often",
    "empty parentheses": "empty parentheses",
    "parentheses without an atom": "parentheses without an atom",
    "digits without an atom": "digits without an atom",
    "a line's end": "end of a line skipped",
    "other digits": "other digits",
    "small letters": "small letters",
    "a long chain": "recursion too deep",
    "a digit used again": "digits used only once",
    "an open digit": "digits left open",
    "a bond to itself": "bond to itself",
    "neighbors bonded by digits": "two atoms bonded twice",
    "two digits at the same atoms": "two atoms bonded twice",
    "symbols that disagree": "symbols that disagree",
}
