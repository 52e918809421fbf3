# tcp.py in C.
cdef enum:
    FIN = 1
    SYN = 2
    RST = 4
    ACK = 16
    SYN_FIN_RST = 7
    UNSEEN = -1

cdef extern from *:
    """
    static inline long long tcp_wrapped(long long number) { return (unsigned int)number; }
    static inline int tcp_after(long long a, long long b) {
        unsigned int ahead = (unsigned int)(a - b);
        return ahead != 0 && ahead < 0x80000000u;
    }
    """
    long long wrapped "tcp_wrapped"(long long number) noexcept nogil
    bint after "tcp_after"(long long a, long long b) noexcept nogil
