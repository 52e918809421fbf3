# sequence.py in C.
cdef extern from *:
    """
    static inline int sequence_after(long long a, long long b) {
        unsigned int ahead = (unsigned int)(a - b);
        return ahead != 0 && ahead < 0x80000000u;
    }
    """
    bint after "sequence_after"(long long a, long long b) noexcept nogil
