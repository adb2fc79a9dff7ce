"""An answer in parts whose last line proves that it is whole."""
import hashlib


def parts(count):
    """Yield numbered lines, then the SHA-256 of them all in hexadecimal."""
    digest = hashlib.sha256()
    for number in range(count):
        part = b"part %d %s\n" % (number, b"x" * 1000)
        digest.update(part)
        yield part
    yield digest.hexdigest().encode() + b"\n"


def wanted(query):
    """Return from a request's query how many parts it wants and the seconds between two."""
    count = max(int(query.get("parts", "5")), 1)
    return count, float(query.get("seconds", "1")) / count
