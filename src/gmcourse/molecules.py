"""Molecules as SMILES: read without a chemistry package, checked, and compared.

A SMILES string is a walk through a molecule: atoms by their symbols (in lower case
where they are part of an aromatic system), ``=`` and ``#`` for double and triple bonds,
brackets round a branch, and one digit at both ends of a bond that closes a ring. What
is left out is understood: single bonds, and as many hydrogens as an atom lacks.
Weininger (1988).

Read here is what the set MOSES (Polykovskiy et al., 2020) holds: one neutral molecule.
Charges, isotopes, marks of stereo chemistry and several parts are refused.
Built in chapter 07_sequences.
"""

import hashlib
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass

__all__ = ["Molecule", "Score", "read", "score", "tokens", "valid"]

# How many bonds an atom can have, and its mean weight in daltons.
ELEMENTS = {
    "H": ((1,), 1.008),
    "B": ((3,), 10.812),
    "C": ((4,), 12.011),
    "N": ((3,), 14.007),
    "O": ((2,), 15.999),
    "F": ((1,), 18.998),
    "P": ((3, 5), 30.974),
    "S": ((2, 4, 6), 32.067),
    "Cl": ((1,), 35.453),
    "Br": ((1,), 79.904),
    "I": ((1, 3, 5), 126.904),
}
ORDERS = {"-": 1, "=": 2, "#": 3}
AROMATIC = ("c", "n", "o", "s", "[nH]")
_TOKEN = re.compile(r"Cl|Br|\[n?H\]|%\d\d|[BCNOPSFIcnos()=#0-9-]")

Bonds = list[dict[int, int]]  # of each atom: its neighbors, and the bonds' orders


def tokens(smiles: str) -> list[str]:
    """The symbols of a string: atoms, bonds, brackets of branches, numbers of rings.

    Raises:
        ValueError: something in it is no symbol that is read here.

    Example:
        >>> tokens("Clc1cc[nH]c1")
        ['Cl', 'c', '1', 'c', 'c', '[nH]', 'c', '1']
    """
    found = _TOKEN.findall(smiles)
    if sum(map(len, found)) < len(smiles):
        place = 0
        while match := _TOKEN.match(smiles, place):
            place = match.end()
        raise ValueError(
            f"{smiles!r}: {smiles[place]!r}, the character {place + 1}, begins no "
            "symbol that is read here"
        )
    return found


@dataclass(frozen=True)
class Molecule:
    """Atoms but for hydrogens, and the bonds between them: see `read`.

    Attributes:
        atoms: their elements.
        hydrogens: how many each of them has.
        bonds: of each atom, its neighbors by their numbers, and the order of the bond
            to each: 1, 2 or 3. Of an aromatic system it is one of the ways in which
            single and double bonds can take turns.
    """

    atoms: tuple[str, ...]
    hydrogens: tuple[int, ...]
    bonds: tuple[dict[int, int], ...]

    @property
    def weight(self) -> float:
        """Mean molecular weight, in daltons."""
        heavy = sum(ELEMENTS[atom][1] for atom in self.atoms)
        return heavy + sum(self.hydrogens) * ELEMENTS["H"][1]

    @property
    def rings(self) -> int:
        """Bonds that could be cut with all atoms still joined."""
        return sum(map(len, self.bonds)) // 2 - len(self.atoms) + 1

    @property
    def donors(self) -> int:
        """Of hydrogen bonds: hydrogens on N or O. Lipinski et al. (1997)."""
        pairs = zip(self.atoms, self.hydrogens)
        return sum(count for atom, count in pairs if atom in ("N", "O"))

    @property
    def acceptors(self) -> int:
        """Of hydrogen bonds: atoms N and O. Lipinski et al. (1997)."""
        return sum(atom in ("N", "O") for atom in self.atoms)

    @property
    def fingerprint(self) -> str:
        """16 hexadecimal digits, the same however the molecule is written.

        Each atom is told what its neighbors are, and by which bonds, as often as there
        are atoms to hear of (Weisfeiler & Leman, 1968). A double bond that can move
        round a ring counts as neither double nor single, so that it does not matter
        which of the ways was written. Two molecules may share a fingerprint, if seldom:
        atoms are told apart by what is around them only.
        """
        loose, classes = _loose(self.bonds), 0
        near = [
            [(0 if i in loose and j in loose else order, j) for j, order in own.items()]
            for i, own in enumerate(self.bonds)
        ]
        labels = [_digest(kind) for kind in zip(self.atoms, self.hydrogens)]
        while len(set(labels)) > classes:
            classes = len(set(labels))
            labels = [
                _digest((own, sorted((order, labels[j]) for order, j in near[i])))
                for i, own in enumerate(labels)
            ]
        return _digest(sorted(labels))


def _digest(x: object) -> str:
    return hashlib.blake2b(repr(x).encode(), digest_size=8).hexdigest()


def read(smiles: str) -> Molecule:
    """The molecule that a string stands for.

    An atom in lower case that is not in a ring is refused, and one whose ring has
    no other is read as if it were in upper case.

    Raises:
        ValueError: it stands for none; the message says why.

    Example:
        >>> aspirin = read("CC(=O)Oc1ccccc1C(=O)O")
        >>> round(aspirin.weight, 2), aspirin.rings, aspirin.donors, aspirin.acceptors
        (180.16, 1, 1, 4)
        >>> read("C1CC")
        Traceback (most recent call last):
        ValueError: 'C1CC': ring 1 is opened and not closed
    """
    try:
        return _read(*_walk(tokens(smiles)))
    except _Wrong as error:
        raise ValueError(f"{smiles!r}: {error}") from None


def valid(smiles: str) -> bool:
    """Whether a string stands for a molecule, see `read`.

    Example:
        >>> valid("c1ccccc1"), valid("c1cccc1")
        (True, False)
    """
    try:
        return bool(read(smiles))
    except ValueError:
        return False


class _Wrong(Exception):
    """Why a string is no molecule."""


def _walk(symbols: list[str]) -> tuple[list[str], Bonds, set[tuple[int, int]]]:
    """Atoms as they are written, their bonds, and which of these lie in rings.

    A bond between atoms in lower case, of which no order is written, has order 0.
    """
    atoms: list[str] = []
    bonds: Bonds = []
    parents: list[int] = []
    closed: list[tuple[int, int]] = []
    branches: list[int] = []
    rings: dict[str, tuple[int, int]] = {}
    last, order, empty = -1, 0, False

    def join(i: int, j: int, order: int) -> None:
        both = atoms[i] in AROMATIC and atoms[j] in AROMATIC
        bonds[i][j] = bonds[j][i] = order or int(not both)

    for symbol in symbols:
        if symbol in ORDERS:
            if last < 0 or order:
                raise _Wrong(f"{symbol!r} has no atom before it")
            order = ORDERS[symbol]
        elif symbol == "(":
            if last < 0 or order or empty:
                raise _Wrong("a branch begins where no atom is before it")
            branches.append(last)
            empty = True
        elif symbol == ")":
            if not branches:
                raise _Wrong("a branch is closed and not opened")
            if order or empty:
                raise _Wrong("a branch ends without an atom")
            last = branches.pop()
        elif symbol[0] in "%0123456789":
            ring = symbol.lstrip("%0")
            if last < 0 or empty:
                raise _Wrong(f"ring {ring} has no atom before it")
            if ring not in rings:
                rings[ring] = last, order
            else:
                other, first = rings.pop(ring)
                if other == last or other in bonds[last]:
                    raise _Wrong(f"ring {ring} joins atoms that are joined already")
                if order and first and order != first:
                    raise _Wrong(f"ring {ring} has two bonds of different orders")
                join(other, last, order or first)
                closed.append((other, last))
            order = 0
        else:
            atoms.append(symbol)
            bonds.append({})
            parents.append(last)
            if last >= 0:
                join(last, len(atoms) - 1, order)
            last, order, empty = len(atoms) - 1, 0, False
    if rings:
        raise _Wrong(f"ring {next(iter(rings))} is opened and not closed")
    if branches:
        raise _Wrong("a branch is opened and not closed")
    if order:
        raise _Wrong("it ends with a bond")
    return atoms, bonds, _in_rings(parents, closed)


def _in_rings(
    parents: list[int], closed: list[tuple[int, int]]
) -> set[tuple[int, int]]:
    """The bonds of all rings, from the atom before each and the bonds that close one.

    A parent comes before its children: two ways back meet if the later atom goes first.
    """
    found = set()
    for i, j in closed:
        found |= {(i, j), (j, i)}
        while i != j:
            i, j = min(i, j), max(i, j)
            found |= {(parents[j], j), (j, parents[j])}
            j = parents[j]
    return found


def _read(atoms: list[str], bonds: Bonds, rings: set[tuple[int, int]]) -> Molecule:
    for i, symbol in enumerate(atoms):
        if symbol in AROMATIC and not any((i, j) in rings for j in bonds[i]):
            raise _Wrong(f"atom {i + 1}, {symbol}, is in lower case and in no ring")
    near = [
        [j for j, order in around.items() if not order and (i, j) in rings]
        for i, around in enumerate(bonds)
    ]
    loose = [0 in around.values() for around in bonds]
    bonds = [{j: order or 1 for j, order in around.items()} for around in bonds]
    lacking = [_lacks(i, atoms[i], bonds[i]) for i in range(len(atoms))]
    wanting = {i for i, count in enumerate(lacking) if count and loose[i]}
    for i, j in _paired(near, wanting).items():
        bonds[i][j] = 2
        lacking[i] -= 1
    heavy = [i for i, symbol in enumerate(atoms) if symbol != "[H]"]
    if not heavy:
        raise _Wrong("it has no atom but hydrogen")
    number = {i: k for k, i in enumerate(heavy)}
    return Molecule(
        tuple(_element(atoms[i]) for i in heavy),
        tuple(
            lacking[i] + (atoms[i] == "[nH]") + sum(atoms[j] == "[H]" for j in bonds[i])
            for i in heavy
        ),
        tuple(
            {number[j]: order for j, order in bonds[i].items() if j in number}
            for i in heavy
        ),
    )


def _element(symbol: str) -> str:
    return symbol.strip("[H]").capitalize() or "H"


def _lacks(i: int, symbol: str, around: dict[int, int]) -> int:
    """How many bonds an atom has to have beside those that are written."""
    has = sum(around.values()) + (symbol == "[nH]")
    for valence in ELEMENTS[_element(symbol)][0]:
        if valence >= has:
            return valence - has
    raise _Wrong(f"atom {i + 1}, {symbol}, has {has} bonds, more than it can have")


def _paired(near: list[list[int]], wanting: set[int]) -> dict[int, int]:
    """Neighbors in pairs, so that each atom that wants a double bond is in one."""
    mate: dict[int, int] = {}
    for i in wanting:
        if i not in mate:
            path = _path(near, mate, i, wanting - mate.keys() - {i}, {i})
            if not path:
                raise _Wrong("single and double bonds cannot take turns in its rings")
            for a, b in zip(path[::2], path[1::2]):
                mate[a], mate[b] = b, a
    return mate


def _path(
    near: list[list[int]], mate: dict[int, int], at: int, ends: set[int], seen: set[int]
) -> list[int]:
    """A way to one of ``ends`` by a bond of no pair, a pair, a bond of no pair, …

    All ways are tried, which takes long in large systems of rings alone.
    """
    for j in near[at]:
        if j in ends and j != mate.get(at):
            return [at, j]
    for j in near[at]:
        if j in mate and not {j, mate[j]} & seen:
            rest = _path(near, mate, mate[j], ends, seen | {j, mate[j]})
            if rest:
                return [at, j, *rest]
    return []


def _loose(bonds: tuple[dict[int, int], ...]) -> set[int]:
    """Atoms whose double bond is another one if written differently: aromatic ones."""
    mate = {}
    for i, around in enumerate(bonds):
        more = [j for j, order in around.items() if order > 1]
        if len(more) == 1 and around[more[0]] == 2:
            mate[i] = more[0]
    mate = {i: j for i, j in mate.items() if mate.get(j) == i}
    near = [list(around) for around in bonds]
    loose: set[int] = set()
    for i, j in mate.items():
        if i not in loose:
            loose.update(_path(near, mate, i, {j}, {i}))
    return loose


@dataclass(frozen=True)
class Score:
    """What is to be said of drawn strings, in shares.

    Attributes:
        valid: those that are molecules, of all that were drawn.
        unique: different ones, of the valid.
        novel: those that are not known, of the different ones.
    """

    valid: float
    unique: float
    novel: float


def score(strings: Iterable[str], known: Collection[str]) -> Score:
    """Validity, uniqueness and novelty of drawn strings, by fingerprint.

    Polykovskiy et al. (2020), section 3. A share of none is 0.

    Args:
        strings: as they were drawn.
        known: fingerprints of the molecules that were learned from.

    Raises:
        ValueError: there is no string.

    Example:
        >>> score(["CCO", "OCC", "CN", "C("], {read("NC").fingerprint})
        Score(valid=0.75, unique=0.6666666666666666, novel=0.5)
    """
    strings = list(strings)
    if not strings:
        raise ValueError("there are no strings; expected one or more")
    found = [read(string).fingerprint for string in strings if valid(string)]
    different = set(found)
    new = sum(fingerprint not in known for fingerprint in different)
    return Score(
        len(found) / len(strings),
        len(different) / max(1, len(found)),
        new / max(1, len(different)),
    )
