"""SHA-1 (FIPS 180-4) of what fits one block, which takes a call of hashlib longer to begin than to reckon.

Compiled, it is the C of `sha1.pxd`, which uses the instructions that x86-64 has for it, where there are some; so this
module is imported as a whole, and never compiled.
"""


def put_digest(words: list[int], digest: bytearray) -> None:
    """The digest of a message, with its padding and length in bits 16 words, into 20 bytes; the words are used up."""
    import hashlib  # noqa: PLC0415  for the Python sources alone: it takes 3 ms

    message = b"".join([word.to_bytes(4, "big") for word in words])[: words[15] // 8]
    digest[:] = hashlib.sha1(message, usedforsecurity=False).digest()
