# decimals.py in C.
cdef extern from *:
    """
    #include <string.h>

    static const char decimals_pairs[] =
        "00010203040506070809101112131415161718192021222324252627282930313233343536373839404142434445464748495051525354"
        "555657585960616263646566676869707172737475767778798081828384858687888990919293949596979899";

    static inline Py_ssize_t decimals_put_bytes(unsigned char *out, Py_ssize_t at, PyObject *data) {
        memcpy(out + at, PyBytes_AS_STRING(data), (size_t)PyBytes_GET_SIZE(data));
        return at + PyBytes_GET_SIZE(data);
    }
    static inline Py_ssize_t decimals_put_part(unsigned char *out, Py_ssize_t at, PyObject *data, Py_ssize_t begin,
                                               Py_ssize_t end) {
        memcpy(out + at, PyBytes_AS_STRING(data) + begin, (size_t)(end - begin));
        return at + end - begin;
    }
    static inline Py_ssize_t decimals_put_padded(unsigned char *out, Py_ssize_t at, unsigned long long number,
                                                 int digits) {
        unsigned char *to = out + at + digits;
        int left = digits;
        for (; left > 1 && number > 0xFFFFFFFFu; left -= 2, number /= 100)
            memcpy(to -= 2, decimals_pairs + number % 100 * 2, 2);
        {
            unsigned int low = (unsigned int)number;  /* is divided in a third of the time */
            for (; left > 1; left -= 2, low /= 100)
                memcpy(to -= 2, decimals_pairs + low % 100 * 2, 2);
            if (left)
                *--to = (unsigned char)('0' + low % 10);
        }
        return at + digits;
    }
    static inline Py_ssize_t decimals_put_number(unsigned char *out, Py_ssize_t at, unsigned long long number) {
        int digits = 2;
        unsigned long long limit = 100;
        if (number < 10) {
            out[at] = (unsigned char)('0' + number);
            return at + 1;
        }
        for (; number >= limit && digits < 20; digits++)  /* with 19 the limit still fits into one */
            limit *= 10;
        return decimals_put_padded(out, at, number, digits);
    }
    static inline Py_ssize_t decimals_put_microseconds(unsigned char *out, Py_ssize_t at,
                                                       unsigned long long nanoseconds) {
        at = decimals_put_number(out, at, nanoseconds / 1000);
        out[at] = '.';
        return decimals_put_padded(out, at + 1, nanoseconds % 1000, 3);
    }
    """
    Py_ssize_t put_bytes "decimals_put_bytes"(unsigned char *out, Py_ssize_t at, bytes data) noexcept
    Py_ssize_t put_part "decimals_put_part"(unsigned char *out, Py_ssize_t at, bytes data, Py_ssize_t begin,
                                            Py_ssize_t end) noexcept
    Py_ssize_t put_padded "decimals_put_padded"(unsigned char *out, Py_ssize_t at, unsigned long long number,
                                                int digits) noexcept
    Py_ssize_t put_number "decimals_put_number"(unsigned char *out, Py_ssize_t at, unsigned long long number) noexcept
    Py_ssize_t put_microseconds "decimals_put_microseconds"(unsigned char *out, Py_ssize_t at,
                                                            unsigned long long nanoseconds) noexcept
