"""Bytes to segments: capture file framing, and link, IP and TCP decode.

Sans-I/O: readers are fed blocks of bytes and give packets; the decoder is given packets and gives segments.
"""
