# sha1.py in C.
cdef extern from *:
    """
    #define SHA1_ROTATED(word, bits) ((word) << (bits) | (word) >> (32 - (bits)))
    #define SHA1_GIVEN(i) block[i]
    #define SHA1_MIXED(i) (block[(i) & 15] = SHA1_ROTATED(block[((i) + 13) & 15] ^ block[((i) + 8) & 15] \\
                                                          ^ block[((i) + 2) & 15] ^ block[(i) & 15], 1))
    #define SHA1_CHOICE(x, y, z) (z ^ (x & (y ^ z)))
    #define SHA1_PARITY(x, y, z) (x ^ y ^ z)
    #define SHA1_MAJORITY(x, y, z) ((x & y) | (z & (x | y)))
    #define SHA1_ROUND(a, b, c, d, e, f, constant, word) \\
        e += (word) + constant; \\
        e += f(b, c, d); \\
        e += SHA1_ROTATED(a, 5); \\
        b = SHA1_ROTATED(b, 30);
    #define SHA1_FIVE(f, constant, word, i) \\
        SHA1_ROUND(a, b, c, d, e, f, constant, word(i)) \\
        SHA1_ROUND(e, a, b, c, d, f, constant, word(i + 1)) \\
        SHA1_ROUND(d, e, a, b, c, f, constant, word(i + 2)) \\
        SHA1_ROUND(c, d, e, a, b, f, constant, word(i + 3)) \\
        SHA1_ROUND(b, c, d, e, a, f, constant, word(i + 4))
    #define SHA1_TWENTY(f, constant, i) \\
        SHA1_FIVE(f, constant, SHA1_MIXED, i) SHA1_FIVE(f, constant, SHA1_MIXED, i + 5) \\
        SHA1_FIVE(f, constant, SHA1_MIXED, i + 10) SHA1_FIVE(f, constant, SHA1_MIXED, i + 15)

    static void sha1_put_digest(unsigned int *block, unsigned char *digest) {
        unsigned int a = 0x67452301u, b = 0xEFCDAB89u, c = 0x98BADCFEu, d = 0x10325476u, e = 0xC3D2E1F0u;
        unsigned int state[5];
        int i;
        SHA1_FIVE(SHA1_CHOICE, 0x5A827999u, SHA1_GIVEN, 0)
        SHA1_FIVE(SHA1_CHOICE, 0x5A827999u, SHA1_GIVEN, 5)
        SHA1_FIVE(SHA1_CHOICE, 0x5A827999u, SHA1_GIVEN, 10)
        SHA1_ROUND(a, b, c, d, e, SHA1_CHOICE, 0x5A827999u, SHA1_GIVEN(15))
        SHA1_ROUND(e, a, b, c, d, SHA1_CHOICE, 0x5A827999u, SHA1_MIXED(16))
        SHA1_ROUND(d, e, a, b, c, SHA1_CHOICE, 0x5A827999u, SHA1_MIXED(17))
        SHA1_ROUND(c, d, e, a, b, SHA1_CHOICE, 0x5A827999u, SHA1_MIXED(18))
        SHA1_ROUND(b, c, d, e, a, SHA1_CHOICE, 0x5A827999u, SHA1_MIXED(19))
        SHA1_TWENTY(SHA1_PARITY, 0x6ED9EBA1u, 20)
        SHA1_TWENTY(SHA1_MAJORITY, 0x8F1BBCDCu, 40)
        SHA1_TWENTY(SHA1_PARITY, 0xCA62C1D6u, 60)
        state[0] = a + 0x67452301u;
        state[1] = b + 0xEFCDAB89u;
        state[2] = c + 0x98BADCFEu;
        state[3] = d + 0x10325476u;
        state[4] = e + 0xC3D2E1F0u;
        for (i = 0; i < 20; i++)
            digest[i] = (unsigned char)(state[i / 4] >> (24 - i % 4 * 8));
    }
    """
    void put_digest "sha1_put_digest"(unsigned int *words, unsigned char *digest) noexcept
