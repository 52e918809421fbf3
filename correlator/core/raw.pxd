# raw.py in C. In this form, from a pointer of their own, compilers make one load of each.
cdef extern from *:
    """
    static inline unsigned int raw_word(const unsigned char *raw, Py_ssize_t at) {
        raw += at;
        return (unsigned int)raw[3] << 24 | (unsigned int)raw[2] << 16 | (unsigned int)raw[1] << 8 | raw[0];
    }
    static inline unsigned int raw_net_half(const unsigned char *raw, Py_ssize_t at) {
        raw += at;
        return (unsigned int)raw[0] << 8 | raw[1];
    }
    static inline unsigned int raw_net_word(const unsigned char *raw, Py_ssize_t at) {
        raw += at;
        return (unsigned int)raw[0] << 24 | (unsigned int)raw[1] << 16 | (unsigned int)raw[2] << 8 | raw[3];
    }
    static inline unsigned long long raw_net_long_word(const unsigned char *raw, Py_ssize_t at) {
        return (unsigned long long)raw_net_word(raw, at) << 32 | raw_net_word(raw, at + 4);
    }
    static inline unsigned int raw_low_word(unsigned int number) { return number; }
    static inline unsigned int raw_rotated(unsigned int word, int bits) { return word << bits | word >> (32 - bits); }
    """
    unsigned int word "raw_word"(const unsigned char *raw, Py_ssize_t at) noexcept nogil
    unsigned int net_half "raw_net_half"(const unsigned char *raw, Py_ssize_t at) noexcept nogil
    unsigned int net_word "raw_net_word"(const unsigned char *raw, Py_ssize_t at) noexcept nogil
    unsigned long long net_long_word "raw_net_long_word"(const unsigned char *raw, Py_ssize_t at) noexcept nogil
    unsigned int low_word "raw_low_word"(unsigned int number) noexcept nogil
    unsigned int rotated "raw_rotated"(unsigned int word, int bits) noexcept nogil
