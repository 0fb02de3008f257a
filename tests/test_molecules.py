"""Molecules: against RDKit, by brute force on small graphs, and by hand."""

import functools
import itertools
import random

import pytest
from rdkit import Chem, RDLogger
from rdkit.Chem import Descriptors, rdMolDescriptors

from gmcourse import data
from gmcourse.molecules import (
    _pairs,
    _walk,
    read,
    score,
    tokens,
    valid,
)

RDLogger.DisableLog("rdApp.*")


@functools.cache
def moses(n):
    """Some of the molecules that ship with the package."""
    return random.Random(0).sample(data.load_text("moses_50k").items, n)


def changed(rng):
    """A string of MOSES with a symbol less, another one, two exchanged, or a tail."""
    one, two = (tokens(rng.choice(moses(2000))) for _ in range(2))
    i, j = rng.randrange(len(one)), rng.randrange(len(one))
    kind = rng.randrange(4)
    if kind == 0:
        del one[i]
    elif kind == 1:
        one[i] = rng.choice(two)
    elif kind == 2:
        one[i], one[j] = one[j], one[i]
    else:
        one[i:] = two[rng.randrange(len(two)) :]
    return "".join(one)


def test_symbols_are_found():
    assert tokens("BrC1=C(Cl)[nH]C%12c-2#N") == [
        *("Br", "C", "1", "=", "C", "(", "Cl", ")", "[nH]", "C", "%12"),
        *("c", "-", "2", "#", "N"),
    ]
    assert tokens("") == []
    assert ["".join(tokens(smiles)) for smiles in moses(2000)] == moses(2000)


@pytest.mark.parametrize(
    ("smiles", "atoms", "weight", "rings", "donors", "acceptors"),
    [
        ("O", 1, 18.015, 0, 2, 1),
        ("C", 1, 16.043, 0, 0, 0),
        ("CCO", 3, 46.069, 0, 1, 1),
        ("N", 1, 17.031, 0, 3, 1),
        ("C#N", 2, 27.026, 0, 0, 1),
        ("[H]N=C", 2, 29.042, 0, 1, 1),
        ("ClC(Br)F", 4, 147.374, 0, 0, 0),
        ("c1ccccc1", 6, 78.114, 1, 0, 0),
        ("c1cc[nH]c1", 5, 67.091, 1, 1, 1),
        ("c1ccncc1", 6, 79.102, 1, 0, 1),
        ("CS(=O)(=O)N", 5, 95.123, 0, 2, 3),
        ("C1C2CC3CC1CC(C2)C3", 10, 136.238, 3, 0, 0),  # adamantane
        ("Cn1c(=O)c2c(ncn2C)n(C)c1=O", 14, 194.194, 2, 0, 6),  # caffeine
    ],
)
def test_molecules_by_hand(smiles, atoms, weight, rings, donors, acceptors):
    found = read(smiles)
    assert len(found.atoms) == atoms and found.weight == pytest.approx(weight, abs=2e-3)
    assert (found.rings, found.donors, found.acceptors) == (rings, donors, acceptors)


@pytest.mark.parametrize(
    ("smiles", "why"),
    [
        ("", "no atom but hydrogens"),
        ("[H][H]", "no atom but hydrogens"),
        ("CCX", "'X', character 3, begins no symbol"),
        ("C[N+](C)C", r"'\[', character 2, begins no symbol"),
        ("C/C=C/C", "'/', character 2, begins no symbol"),
        ("C%1C", "'%', character 2, begins no symbol"),
        ("=CC", "a bond = has no atom before it"),
        ("C=#C", "a bond # has no atom before it"),
        ("C(=-C)C", "a bond - has no atom before it"),
        ("C(C", "a branch is opened and not closed"),
        ("CC)C", "a branch is closed and not opened"),
        ("C()C", "a branch ends without an atom"),
        ("C(C=)C", "a branch ends without an atom"),
        ("(C)C", "a branch has no atom before it"),
        ("C((C)C)C", "a branch has no atom before it"),
        ("C=(C)C", "a branch has no atom before it"),
        ("CC#", "it ends with a bond"),
        ("C1CC", "ring 1 is opened and not closed"),
        ("C%12CC", "ring 12 is opened and not closed"),
        ("1CC1", "ring 1 has no atom before it"),
        ("C(2CC2)C", "ring 2 has no atom before it"),
        ("C11", "ring 1 joins what is joined already"),
        ("C1C1", "ring 1 joins what is joined already"),
        ("C12CCC12", "ring 2 joins what is joined already"),
        ("C=1CC#1", "ring 1 has bonds of two orders"),
        ("CC(C)(C)(C)C", "C, atom 2, has 5 bonds, more than it can have"),
        ("CO(C)C", "O, atom 2, has 3 bonds"),
        ("C=Cl", "Cl, atom 2, has 2 bonds"),
        ("CN(=O)=O", "N, atom 2, has 5 bonds"),
        ("C[H]C", r"\[H\], atom 2, has 2 bonds"),
        ("CS(C)(C)(C)(C)(C)C", "S, atom 2, has 7 bonds"),
        ("c1cc[nH](C)c1", r"\[nH\], atom 4, has 4 bonds"),
        ("Cc", "c, atom 2, is in lower case and in no ring"),
        ("COc1ccccc1oC", "o, atom 9, is in lower case and in no ring"),
        ("c1cccc1", "5 atoms in lower case want a double bond"),
        ("c1ccnc1", "5 atoms in lower case want a double bond"),
        ("c1cccc1c1cccc1", "10 atoms in lower case want a double bond"),
        ("c1cc[nH]cc1", "5 atoms in lower case want a double bond"),
        ("c1ccc2cccc2c1", "9 atoms in lower case want a double bond"),
    ],
)
def test_what_is_no_molecule_is_told_why(smiles, why):
    with pytest.raises(ValueError, match=why) as error:
        read(smiles)
    assert str(error.value).startswith(repr(smiles))
    assert not valid(smiles)


def test_molecules_are_as_rdkit_reads_them():
    """Atom by atom: both number the heavy atoms as they come."""
    for smiles in moses(500):
        mine, theirs = read(smiles), Chem.MolFromSmiles(smiles)
        atoms = list(theirs.GetAtoms())
        assert list(mine.atoms) == [atom.GetSymbol() for atom in atoms]
        assert list(mine.hydrogens) == [atom.GetTotalNumHs() for atom in atoms]
        for atom, around in zip(atoms, mine.bonds):
            assert {n.GetIdx() for n in atom.GetNeighbors()} == around.keys()
        for bond in theirs.GetBonds():
            order = mine.bonds[bond.GetBeginAtomIdx()][bond.GetEndAtomIdx()]
            assert order == mine.bonds[bond.GetEndAtomIdx()][bond.GetBeginAtomIdx()]
            if not bond.GetIsAromatic():
                assert order == bond.GetBondTypeAsDouble()
        assert mine.weight == pytest.approx(Descriptors.MolWt(theirs), abs=1e-6)
        assert mine.rings == len(Chem.GetSSSR(theirs))
        assert mine.donors == rdMolDescriptors.CalcNumLipinskiHBD(theirs)
        assert mine.acceptors == rdMolDescriptors.CalcNumLipinskiHBA(theirs)


def test_an_atom_has_a_valence_of_its_element():
    """So the double bonds of aromatic systems are placed rightly, whichever way."""
    valences = {"C": {4}, "N": {3}, "O": {2}, "S": {2, 4, 6}, "F": {1}, "Cl": {1}}
    for smiles in moses(500):
        found = read(smiles)
        for atom, count, around in zip(found.atoms, found.hydrogens, found.bonds):
            assert count + sum(around.values()) in valences.get(atom, {1})


def test_verdicts_are_those_of_rdkit():
    rng, n = random.Random(1), 3000
    verdicts = []
    for _ in range(n):
        smiles = changed(rng)
        verdicts.append((valid(smiles), Chem.MolFromSmiles(smiles) is not None))
    differ = sum(mine != theirs for mine, theirs in verdicts)
    assert differ <= 0.002 * n
    assert 0.15 < sum(theirs for _, theirs in verdicts) / n < 0.5


def test_rings_are_those_of_rdkit():
    """Random orders of the atoms close rings from one branch to another."""
    for seed, smiles in enumerate(moses(150)):
        theirs = Chem.MolFromSmiles(smiles)
        [written] = Chem.MolToRandomSmilesVect(theirs, 1, randomSeed=seed)
        theirs = Chem.MolFromSmiles(written, sanitize=False)  # [H] stays an atom
        Chem.FastFindRings(theirs)
        due = {
            (bond.GetBeginAtomIdx(), bond.GetEndAtomIdx())
            for bond in theirs.GetBonds()
            if bond.IsInRing()
        }
        *_, found = _walk(tokens(written))
        assert found == due | {(j, i) for i, j in due}


def test_the_fingerprint_does_not_depend_on_the_writing():
    for seed, smiles in enumerate(moses(150)):
        due, theirs = read(smiles).fingerprint, Chem.MolFromSmiles(smiles)
        assert len(due) == 16 and int(due, 16) >= 0
        [other] = Chem.MolToRandomSmilesVect(theirs, 1, randomSeed=seed)
        assert read(other).fingerprint == due
        Chem.Kekulize(theirs, clearAromaticFlags=True)
        [other] = Chem.MolToRandomSmilesVect(theirs, 1, randomSeed=seed)
        assert read(other).fingerprint == due


@pytest.mark.parametrize(
    "same",
    [
        ("OCC", "CCO", "C(O)C", "[H]OCC"),
        ("CC1=CC=CC=C1C", "CC1=C(C)C=CC=C1", "Cc1ccccc1C"),
        ("C1=CC=C2C=CC=CC2=C1", "c1ccc2ccccc2c1"),
        ("C1=CNC=C1", "c1cc[nH]c1"),
        ("C1=CCC1", "C=1CCC1", "C1CCC=1", "C=1CCC=1"),
        ("c1ccccc1-c1ccccc1", "c1ccccc1c1ccccc1"),
        ("c1ccc2cccc2cc1", "C1=CC2=CC=CC2=CC=C1", "C1=CC=C2C=CC=C2C=C1"),  # azulene
    ],
)
def test_writings_of_one_molecule(same):
    assert len({read(smiles).fingerprint for smiles in same}) == 1


def test_fingerprints_of_different_molecules_differ():
    assert len({read(smiles).fingerprint for smiles in moses(2000)}) == 2000
    isomers = [
        *("Cc1ccccc1C", "Cc1cccc(C)c1", "Cc1ccc(C)cc1", "CC1=CC(C)C=CC1"),
        *("Oc1ccccn1", "O=c1cccc[nH]1", "Oc1cccnc1"),  # tautomers are two molecules
        *("C=CC=C", "CC#CC", "C=C=CC", "C1=CCC1"),
        *("CCO", "COC", "CCN", "CCS", "CCF", "CCCl", "C", "O", "N", "S"),
        *("CCCC(C)CCC", "CCC(C)CCCC", "CCCC(C)CCCCC", "CCCCC(C)CCCC"),
    ]
    assert len({read(smiles).fingerprint for smiles in isomers}) == len(isomers)


def test_the_limit_that_the_docstring_tells():
    pair = ("C1CCC(C1)C1CCCC1", "C1CCC2CCCCC2C1")
    one, two = (read(smiles).fingerprint for smiles in pair)
    assert one == two
    assert len({Chem.CanonSmiles(smiles) for smiles in pair}) == 2


def graphs(n, count):
    """Random graphs of few edges, as lists of neighbors."""
    rng = random.Random(n)
    for _ in range(count):
        edges = [e for e in itertools.combinations(range(n), 2) if rng.random() < 0.35]
        yield [[j for e in edges if i in e for j in e if j != i] for i in range(n)]


def matchings(near, left):
    """All ways to put the atoms in pairs of neighbors."""
    if not left:
        yield {}
        return
    i = min(left)
    for j in left & set(near[i]):
        for rest in matchings(near, left - {i, j}):
            yield {i: j, j: i, **rest}


@pytest.mark.parametrize("n", [4, 6, 8])
def test_double_bonds_are_placed_where_they_can_be(n):
    found = {True: 0, False: 0}
    for near in graphs(n, 200):
        ways = list(matchings(near, set(range(n))))
        found[bool(ways)] += 1
        if ways:
            assert _pairs(near, set(range(n))) in ways
        else:
            with pytest.raises(ValueError, match=f"{n} atoms in lower case"):
                _pairs(near, set(range(n)))
    assert min(found.values()) > 10


def test_validity_uniqueness_and_novelty_by_hand():
    known = {read(smiles).fingerprint for smiles in ("NC", "CCCC")}
    drawn = ["CCO", "OCC", "C(O)C", "CN", "C#N", "C(", "c1cccc1", "CX"]
    found = score(drawn, known)
    assert (found.valid, found.unique, found.novel) == (5 / 8, 3 / 5, 2 / 3)
    nothing = score(iter(["C("]), known)
    assert (nothing.valid, nothing.unique, nothing.novel) == (0, 0, 0)
    with pytest.raises(ValueError, match="no strings"):
        score([], known)
