"""Packets from somewhere: capture files, the Linux packet ring, Scapy's sockets elsewhere."""
