# sha1.py in C.
cdef extern from *:
    """
    #include <string.h>

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

    static void sha1_by_rounds(unsigned int *block, unsigned char *digest) {
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

    #if defined(__x86_64__) && defined(__GNUC__) && !defined(SHA1_PORTABLE)
    #include <cpuid.h>
    #include <immintrin.h>

    /* Four rounds by the instructions for it, and the words of the four that come sixteen later; in vectors the first
       word is the highest. */
    #define SHA1_FOUR(i) \\
        next = i ? _mm_sha1nexte_epu32(e, words[(i) & 3]) : _mm_add_epi32(e, words[0]); \\
        e = abcd; \\
        abcd = _mm_sha1rnds4_epu32(abcd, next, (i) / 5); \\
        words[(i) & 3] = _mm_sha1msg2_epu32( \\
            _mm_xor_si128(_mm_sha1msg1_epu32(words[(i) & 3], words[((i) + 1) & 3]), words[((i) + 2) & 3]), \\
            words[((i) + 3) & 3]);

    __attribute__((target("sha,sse4.1")))
    static void sha1_by_instructions(const unsigned int *block, unsigned char *digest) {
        const __m128i first = _mm_set_epi32(0x67452301, (int)0xEFCDAB89u, (int)0x98BADCFEu, 0x10325476);
        const __m128i fifth = _mm_set_epi32((int)0xC3D2E1F0u, 0, 0, 0);
        const __m128i backwards = _mm_set_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
        __m128i abcd = first, e = fifth, next, words[4];
        unsigned int last;
        int i;
        for (i = 0; i < 4; i++)
            words[i] = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)(block + i * 4)), 0x1B);
        SHA1_FOUR(0) SHA1_FOUR(1) SHA1_FOUR(2) SHA1_FOUR(3) SHA1_FOUR(4)
        SHA1_FOUR(5) SHA1_FOUR(6) SHA1_FOUR(7) SHA1_FOUR(8) SHA1_FOUR(9)
        SHA1_FOUR(10) SHA1_FOUR(11) SHA1_FOUR(12) SHA1_FOUR(13) SHA1_FOUR(14)
        SHA1_FOUR(15) SHA1_FOUR(16) SHA1_FOUR(17) SHA1_FOUR(18) SHA1_FOUR(19)
        abcd = _mm_shuffle_epi8(_mm_add_epi32(abcd, first), backwards);
        _mm_storeu_si128((__m128i *)digest, abcd);
        last = __builtin_bswap32((unsigned int)_mm_extract_epi32(_mm_sha1nexte_epu32(e, fifth), 3));
        memcpy(digest + 16, &last, 4);
    }

    static int sha1_has_instructions(void) {
        unsigned int a, b, c, d;
        return __get_cpuid(1, &a, &b, &c, &d) && c & bit_SSE4_1 && __get_cpuid_count(7, 0, &a, &b, &c, &d) && b & bit_SHA;
    }
    #else
    #define sha1_by_instructions sha1_by_rounds
    #define sha1_has_instructions() 0
    #endif

    static void sha1_put_digest(unsigned int *block, unsigned char *digest) {
        static int has_instructions = -1;
        if (has_instructions < 0)
            has_instructions = sha1_has_instructions();
        if (has_instructions)
            sha1_by_instructions(block, digest);
        else
            sha1_by_rounds(block, digest);
    }
    """
    void put_digest "sha1_put_digest"(unsigned int *words, unsigned char *digest) noexcept
