#!/usr/bin/env python3
"""Verifies a record from its published formats alone: RFC 6962, C2SP signed-note and tlog-checkpoint, zstd.

    verify.py [--archive] [--checkpoint FILE] LOG/STREAM   says what is wrong, and ends with 1 if anything is
    verify.py --batch                                      a JSON object a line in ({"stream", "checkpoint"}), one out

It shares no code with the program whose records it checks. Python 3.8 or newer; signatures with the package
`cryptography` where it is installed, else with what is below; sealed segments with `compression.zstd`,
`zstandard` or the command `zstd`, whichever there is.
"""
import base64
import datetime
import hashlib
import json
import os
import re
import subprocess
import sys

# ---------------------------------------------------------------- signatures

P = 2**255 - 19
Q = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT = pow(2, (P - 1) // 4, P)


def recover_x(y, sign):
    if y >= P:
        return None
    x2 = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(x2, (P + 3) // 8, P)
    if (x * x - x2) % P:
        x = x * ROOT % P
    if (x * x - x2) % P or (x == 0 and sign):
        return None
    return P - x if x & 1 != sign else x


def add(a, b):
    e = (a[1] - a[0]) * (b[1] - b[0]) % P
    f = (a[1] + a[0]) * (b[1] + b[0]) % P
    g, h = 2 * a[3] * b[3] * D % P, 2 * a[2] * b[2] % P
    e, f, g, h = f - e, h - g, h + g, f + e
    return (e * f % P, g * h % P, f * g % P, e * h % P)


def times(n, point):
    result = (0, 1, 1, 0)
    while n:
        if n & 1:
            result = add(result, point)
        point = add(point, point)
        n >>= 1
    return result


def point(data):
    y = int.from_bytes(data, "little")
    x = recover_x(y & ((1 << 255) - 1), y >> 255)
    y &= (1 << 255) - 1
    return None if x is None else (x, y, 1, x * y % P)


BASE_Y = 4 * pow(5, P - 2, P) % P
BASE = (recover_x(BASE_Y, 0), BASE_Y, 1, recover_x(BASE_Y, 0) * BASE_Y % P)


def signed_by_hand(key, text, signature):
    if len(signature) != 64:
        return False
    public, r = point(key), point(signature[:32])
    s = int.from_bytes(signature[32:], "little")
    if public is None or r is None or s >= Q:
        return False
    h = int.from_bytes(hashlib.sha512(signature[:32] + key + text).digest(), "little") % Q
    left, right = times(s, BASE), add(r, times(h, public))
    return (left[0] * right[2] - right[0] * left[2]) % P == 0 and (left[1] * right[2] - right[1] * left[2]) % P == 0


try:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    def is_signed(key, text, signature):
        try:
            Ed25519PublicKey.from_public_bytes(key).verify(signature, text)
            return True
        except (InvalidSignature, ValueError):
            return False
except ImportError:
    is_signed = signed_by_hand


# ---------------------------------------------------------------- zstd

def decompress(data):
    try:
        from compression import zstd
        return zstd.decompress(data)
    except ImportError:
        pass
    try:
        import zstandard
        return zstandard.ZstdDecompressor().decompressobj().decompress(data)
    except ImportError:
        pass
    done = subprocess.run(["zstd", "-dc", "-q"], input=data, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    if done.returncode:
        raise ValueError("cannot be decompressed")
    return done.stdout


# ---------------------------------------------------------------- the tree

def leaf(entry):
    return hashlib.sha256(b"\0" + entry).digest()


def node(left, right):
    return hashlib.sha256(b"\1" + left + right).digest()


class Tree:
    """The perfect subtrees, largest first: (level, hash)."""

    def __init__(self):
        self.size, self.parts = 0, []

    def add(self, level, hash_):
        self.size += 1 << level
        while self.parts and self.parts[-1][0] == level:
            hash_ = node(self.parts.pop()[1], hash_)
            level += 1
        self.parts.append((level, hash_))

    def root(self):
        if not self.parts:
            return hashlib.sha256(b"").digest()
        hash_ = self.parts[-1][1]
        for _, left in reversed(self.parts[:-1]):
            hash_ = node(left, hash_)
        return hash_


def cover(start, end):
    while start < end:
        level = 0
        while start % (2 << level) == 0 and start + (2 << level) <= end:
            level += 1
        yield level, start >> level
        start += 1 << level


# ---------------------------------------------------------------- files

def exact64(text):
    data = base64.b64decode(text, validate=True)
    if base64.b64encode(data).decode() != text:
        raise ValueError("not the one base64 of its bytes")
    return data


class Key:
    def __init__(self, line):
        name, number, key = line.split("+", 2)
        data = exact64(key)
        if not name or re.search(r"\s", name) or len(data) != 33 or data[0] != 1 or point(data[1:]) is None:
            raise ValueError("not an Ed25519 key")
        self.name, self.key, self.line = name, data[1:], line
        self.id = hashlib.sha256(name.encode() + b"\n" + data).digest()[:4]
        if self.id.hex() != number:
            raise ValueError("another number")


class Note:
    def __init__(self, note):
        if any(ord(letter) < 32 and letter != "\n" for letter in note):
            raise ValueError("a control character")
        if not note.endswith("\n") or "\n\n" not in note:
            raise ValueError("not a note")
        text, signatures = note[:-1].rsplit("\n\n", 1)
        self.text, self.signatures, self.note = text + "\n", [], note
        for line in signatures.split("\n"):
            if not line.startswith("\u2014 "):
                raise ValueError("not a signature")
            name, made = line[2:].split(" ")
            data = exact64(made)
            if not name or "+" in name or len(data) < 5:
                raise ValueError("not a signature")
            self.signatures.append((name, data[:4], data[4:]))
        lines = self.text.split("\n")
        if len(lines) != 5:
            raise ValueError("not a checkpoint of a record")
        match = re.fullmatch(r"(checkpoint|interim) (0|[1-9][0-9]*) (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z)", lines[3], re.ASCII)
        if not match or not re.fullmatch(r"0|[1-9][0-9]*", lines[1], re.ASCII) or not lines[0]:
            raise ValueError("not a checkpoint of a record")
        self.origin, self.size, self.root = lines[0], int(lines[1]), exact64(lines[2])
        self.interim, self.number, self.time = match.group(1) == "interim", int(match.group(2)), match.group(3)

    def standing(self, key):
        standing = None
        for name, number, made in self.signatures:
            if name == key.name and number == key.id:
                if not is_signed(key.key, self.text.encode(), made):
                    return False
                standing = True
        return standing


class Found(Exception):
    def __init__(self, kind, file, line=None, entries=None, says=""):
        super().__init__(says)
        self.value = {"kind": kind, "file": file, "line": line, "entries": entries, "says": says}


def json_string(text):
    return json.dumps(text, ensure_ascii=False)


# ---------------------------------------------------------------- the stream

class Stream:
    def __init__(self, folder, archive=False, name=None):
        self.archive = archive
        self.folder, self.name = folder, name or os.path.basename(os.path.normpath(folder))
        self.keys, self.notes, self.takeovers, self.kept = [], [], [], []

    def read(self, file):
        try:
            with open(os.path.join(self.folder, file), "rb") as source:
                return source.read()
        except FileNotFoundError:
            return None

    def verify(self, witness=None):
        """What is wrong, the first bad place first."""
        chain, entries = None, None
        try:
            self.read_chain()
            self.check_witness(witness)
        except Found as found:
            chain = found.value
        try:
            self.read_entries()
            if chain is None:
                self.check_takeovers()
                self.check_gone()
                self.check_sealed()
        except Found as found:
            entries = found.value
        return [found for found in (entries, chain) if found]

    def read_chain(self):
        newest, listed, keys = self.read("checkpoint"), self.read("checkpoints.jsonl"), self.read("keys")
        if keys is None:
            if newest is not None or listed is not None:
                raise Found("removed", "keys", says="checkpoints without keys")
            return
        self.read_keys(keys)
        for number, line in enumerate((listed or b"").split(b"\n")[:-1], 1):
            self.read_checkpoint(number, line, (listed or b"").split(b"\n")[number:-1])
        self.read_newest(newest)

    def read_keys(self, text):
        lines = text.decode("utf-8", "replace").split("\n")
        for number, line in enumerate(lines, 1):
            if number == len(lines) and line == "" and number > 1:
                break
            try:
                key = Key(line)
                if number == len(lines):
                    raise ValueError("no line end")
            except ValueError as error:
                raise Found("changed", "keys", number, says=str(error))
            self.keys.append(key)
        origin = self.keys[0].name if self.keys else ""
        for number, key in enumerate(self.keys, 1):
            if key.name != origin or not origin.endswith("/" + self.name):
                raise Found("forged", "keys", number, says="not a key of this stream")

    def read_checkpoint(self, number, line, after):
        here = ("checkpoints.jsonl", number)
        try:
            value = json.loads(line.decode())
            note = Note(value["note"])
            if '{"time":"%s","note":%s}' % (note.time, json_string(value["note"])) != line.decode():
                raise ValueError("not written as the guard writes it")
        except (ValueError, KeyError, TypeError) as error:
            raise Found("changed", *here, says=str(error))
        if not self.keys or note.origin != self.keys[0].name:
            raise Found("forged", *here, says="of another origin")
        standings = [note.standing(key) for key in self.keys]
        if False in standings:
            raise Found("changed", *here, says="not a signature of this text")
        now = len(self.takeovers)
        both = standings[now + 1 : now + 2] == [True]
        if standings[now : now + 1] != [True]:
            raise Found("forged", *here, says="not signed by the key in force")
        if len(note.signatures) != 1 + both:
            raise Found("changed", *here, says="signatures of others")
        if note.interim:
            raise Found("inserted", *here, says="an interim checkpoint, and those do not stay")
        expected = len(self.notes) + 1
        if note.number > expected:
            kind = "removed"
            if after:
                try:
                    kind = "swapped" if Note(json.loads(after[0].decode())["note"]).number == expected else kind
                except (ValueError, KeyError, TypeError):
                    pass
            raise Found(kind, *here, says="checkpoint %d is missing" % expected)
        if note.number < expected:
            raise Found("inserted", *here, says="checkpoint %d once more" % note.number)
        last = self.notes[-1].size if self.notes else 0
        if note.size <= last:
            raise Found("forged", *here, says="fewer entries than before")
        if both:
            self.takeovers.append((now + 1, note.number, last, note.size))
        self.notes.append(note)

    def read_newest(self, text):
        count = len(self.notes)
        # a crash leaves the next one ready, in the list, and not yet in its place
        ready = self.notes and self.read("checkpoint.new") == self.notes[-1].note.encode()
        if text is None:
            if count and not ready:
                raise Found("removed", "checkpoint", says="it is missing")
            return
        try:
            note = Note(text.decode())
        except ValueError as error:
            raise Found("changed", "checkpoint", says=str(error))
        if self.notes and note.note == self.notes[-1].note:
            return
        standings = [note.standing(key) for key in self.keys]
        if False in standings or True not in standings:
            raise Found("changed", "checkpoint", says="not signed by a key of the stream")
        fits = note.size > (self.notes[-1].size if self.notes else 0)
        if note.number <= count:
            known = self.notes[note.number - 1] if note.number else None
            fits = known is not None and (known.size, known.root) == (note.size, note.root)
            if known is not None and note.interim:
                fits = self.size_before(note.number) < note.size <= known.size
        if not fits:
            raise Found("forged", "checkpoint", says="another checkpoint of that number")
        if note.number == count + 1 and note.interim and count:
            now = len(self.takeovers)
            if standings[now] is not True or standings[now + 1 : now + 2] == [True]:
                raise Found("forged", "checkpoint", says="not signed by the key in force")
            if len(note.signatures) != 1:
                raise Found("changed", "checkpoint", says="signatures of others")
            self.notes.append(note)
        elif note.number > count:
            raise Found("truncated", "checkpoints.jsonl", count + 1, says="checkpoint %d was signed" % note.number)
        elif note.number == count and not note.interim:
            raise Found("changed", "checkpoint", says="other signatures")
        elif not ready:
            raise Found("rolled back", "checkpoint", says="it is not the newest one")

    def size_before(self, number):
        return self.notes[number - 2].size if number > 1 else 0

    def check_witness(self, witness):
        if witness is None:
            return
        if not self.keys:
            raise Found("removed", "keys", says="somebody has a checkpoint, and there are no keys")
        if not any(witness.standing(key) for key in self.keys):
            raise Found("forged", "keys", says="none of the keys has signed the checkpoint that was kept")
        number, count = witness.number, len(self.notes)
        known = self.notes[number - 1] if 0 < number <= count else None
        if known and (known.size, known.root) == (witness.size, witness.root):
            return
        if known and witness.interim and self.size_before(number) < witness.size < known.size:
            # it did not stay: the entries have to have its root
            self.kept.append(witness)
            return
        if number > count or (known and known.interim and witness.size > known.size):
            raise Found("rolled back", "checkpoints.jsonl", count + 1, says="a newer one was kept")
        raise Found("forged", "checkpoints.jsonl", number, says="not the one that was kept")

    def read_entries(self):
        tiles = self.removed() + self.segments()
        tiles.sort(key=lambda tile: (tile[0], tile[1] is not None))
        self.tree, self.good, self.changes, self.notices, self.sealed = Tree(), 0, [], [], 0
        self.gone = [(first, first + sum(1 << level for level, _ in nodes), nodes, line) for first, nodes, _, line in tiles if nodes]
        marks = sorted(self.notes + self.kept, key=lambda note: note.size)
        self.marks = [(note.size, note.root, note.number) for note in marks]
        newest = self.notes[-1].size if self.notes else 0
        for place, (first, nodes, file, line) in enumerate(tiles):
            at = self.tree.size
            if first > at:
                raise Found("removed", file, entries=[at, first], says="entries are missing")
            if nodes is None:
                self.segment(first, file, tiles[place + 1][0] if place + 1 < len(tiles) else None)
                continue
            if first < at:
                raise Found("inserted", file, line, says="removed once more")
            for level, hash_ in nodes:
                self.tree.add(level, hash_)
            self.meet(file, line)
        if self.tree.size < newest:
            raise Found("truncated", tiles[-1][2] if tiles else "entries", entries=[self.tree.size, newest])

    def removed(self):
        tiles = []
        for number, line in enumerate((self.read("pruned.jsonl") or b"").split(b"\n")[:-1], 1):
            try:
                value = json.loads(line.decode())
                start, end = value["from"], value["to"]
                nodes = [(node_["level"], node_["index"], exact64(node_["hash"])) for node_ in value["nodes"]]
                again = '{"from":%d,"to":%d,"nodes":[%s],"removedAt":"%s"}' % (
                    start,
                    end,
                    ",".join(
                        '{"level":%d,"index":%d,"hash":"%s"}' % (level, index, base64.b64encode(hash_).decode())
                        for level, index, hash_ in nodes
                    ),
                    value["removedAt"],
                )
                if again != line.decode() or [part[:2] for part in nodes] != list(cover(start, end)) or start >= end:
                    raise ValueError("not the subtrees of these entries")
                if any(len(hash_) != 32 for _, _, hash_ in nodes):
                    raise ValueError("not a hash")
                if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", value["removedAt"], re.ASCII):
                    raise ValueError("not a time")
                datetime.datetime.fromisoformat(value["removedAt"][:-1])
            except (ValueError, KeyError, TypeError, OverflowError) as error:
                raise Found("changed", "pruned.jsonl", number, says=str(error))
            tiles.append((start, [(level, hash_) for level, _, hash_ in nodes], "pruned.jsonl", number))
        return tiles

    def segments(self):
        tiles = []
        folder = os.path.join(self.folder, "entries")
        for name in sorted(os.listdir(folder) if os.path.isdir(folder) else []):
            match = re.fullmatch(r"([0-9]{20})\.jsonl(\.zst)?", name, re.ASCII)
            if match:
                tiles.append((int(match.group(1)), None, "entries/" + name, None))
        return tiles

    def segment(self, first, file, following):
        data = self.read(file)
        if file.endswith(".zst"):
            try:
                data = decompress(data)
            except Exception as error:  # whatever the library calls it
                raise Found("changed", file, entries=[first, following or first + 1], says=str(error))
        lines = data.split(b"\n")
        torn = lines.pop()
        if first < self.tree.size:
            self.leftover(first, file, lines, torn)
            return
        begin = b'{"v":1,"stream":"' + self.name.encode() + b'","index":'
        for number, line in enumerate(lines, 1):
            expected = self.tree.size
            match = re.match(rb'(0|[1-9][0-9]*),"time":"(.{27})","event":"', line[len(begin) :], re.DOTALL)
            if not line.startswith(begin) or not match or not line.endswith(b"}"):
                raise Found("changed", file, number, [expected, expected + 1], "not an entry of the stream")
            index = int(match.group(1))
            if index != expected:
                later = any(other.startswith(begin + b"%d," % expected) for other in lines[number:])
                kind = "inserted" if index < expected else "swapped" if later else "removed"
                raise Found(kind, file, number, [expected, max(index, expected) + 1], "entry %d is there" % index)
            if line[len(begin) + match.end() :].startswith(b'key"'):
                try:
                    named = json.loads(line.decode())["code"]
                except (ValueError, KeyError, TypeError):
                    named = None  # the tree tells that it was changed
                self.changes.append((index, named))
            if line[len(begin) + match.end() :].startswith(b'audit"'):
                self.take_notice(index, line)
            self.tree.add(0, leaf(line))
            self.meet(file, None)
        if file.endswith(".zst"):
            self.sealed = self.tree.size
        if torn and following is not None:
            raise Found("changed", file, entries=[self.tree.size, self.tree.size + 1], says="it breaks off")

    def leftover(self, first, file, lines, torn):
        """A crash leaves a segment that was removed, whole and as it was."""
        for start, end, nodes, _ in self.gone:
            if start <= first < end:
                again = Tree()
                begin = b'{"v":1,"stream":"' + self.name.encode() + b'","index":'
                whole = not torn and first == start and len(lines) == end - start
                whole = whole and all(line.startswith(begin + b"%d," % (first + at)) for at, line in enumerate(lines))
                if whole:
                    parts, at = [], 0
                    for level, hash_ in nodes:
                        again = Tree()
                        for line in lines[at : at + (1 << level)]:
                            again.add(0, leaf(line))
                        parts.append(again.parts == [(level, hash_)])
                        at += 1 << level
                    whole = all(parts)
                if not whole:
                    raise Found("changed", file, entries=[start, end], says="not what was removed")
                return
        raise Found("inserted", file, says="the segment before goes on beyond its beginning")

    def take_notice(self, index, line):
        """An entry (event audit) that says of others before it that they left: pruned everywhere, offloaded from a disk."""
        try:
            entry = json.loads(line.decode())
            start, end = int(entry["parameters"]["from"]), int(entry["parameters"]["to"])
        except (ValueError, KeyError, TypeError):
            return
        kinds = ["pruned"] if self.archive else ["pruned", "offloaded"]
        if entry.get("code") in kinds and 0 <= start < end <= index:
            self.notices.append((index, start, end))

    def check_gone(self):
        size = self.notes[-1].size if self.notes else 0
        said = sorted((start, end) for index, start, end in self.notices if index < size)
        for first, last, _, line in sorted(self.gone, key=lambda gone: gone[3]):
            at = first
            for start, end in said:
                if start <= at < end:
                    at = end
            if at < last:
                raise Found("removed", "pruned.jsonl", line, [first, last], "no signed entry says that these were removed")

    def check_sealed(self):
        size = self.notes[-1].size if self.notes else 0
        if not self.archive and self.sealed > size:
            raise Found("truncated", "checkpoints.jsonl", entries=[size, self.sealed], says="sealed, and not signed")

    def meet(self, file, line):
        while self.marks and self.marks[0][0] <= self.tree.size:
            size, root, number = self.marks.pop(0)
            if size == self.tree.size:
                if root != self.tree.root():
                    says = "not the entries that checkpoint %d was signed for" % number
                    raise Found("changed", file, line, [self.good, size], says)
                self.good = size

    def check_takeovers(self):
        size = self.notes[-1].size if self.notes else 0
        gone = [(first, first + sum(1 << level for level, _ in nodes)) for first, nodes, _, _ in self.removed()]
        for index, line in self.changes:
            fits = [1 for key, _, start, end in self.takeovers if start <= index < end and self.keys[key].line == line]
            if index < size and not fits:
                raise Found("forged", "keys", entries=[index, index + 1], says="a new key that did not take over")
        for _, number, start, end in self.takeovers:
            if not any(start <= index < end for index, _ in self.changes) and not any(
                first < end and last > start for first, last in gone
            ):
                raise Found("forged", "checkpoints.jsonl", number, says="a new key of which no entry speaks")
        if self.notes and len(self.keys) > len(self.takeovers) + 1:
            raise Found("forged", "keys", len(self.takeovers) + 2, says="a key that never took over")


def verify(folder, checkpoint, archive=False):
    witness = None
    if checkpoint:
        with open(checkpoint, encoding="utf-8", newline="") as source:
            witness = Note(source.read())
    return Stream(folder, archive).verify(witness)


def main(words):
    if words == ["--batch"]:
        for line in sys.stdin:
            case = json.loads(line)
            print(json.dumps({"findings": verify(case["stream"], case.get("checkpoint"))}), flush=True)
        return 0
    checkpoint, archive = None, words[:1] == ["--archive"]
    words = words[1:] if archive else words
    if words[:1] == ["--checkpoint"]:
        checkpoint, words = words[1], words[2:]
    if len(words) != 1:
        print(__doc__.strip(), file=sys.stderr)
        return 2
    findings = verify(words[0], checkpoint, archive)
    for found in findings:
        line = "" if found["line"] is None else ":%d" % found["line"]
        print("%s%s: %s: %s %s" % (found["file"], line, found["kind"], found["says"], found["entries"] or ""))
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
